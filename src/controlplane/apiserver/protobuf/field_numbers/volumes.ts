/** Field numbers of k8s.io/api/core/v1: volumes, persistent volumes and claims. */

export const volumes = {
  V1AWSElasticBlockStoreVolumeSource: "volumeID fsType partition readOnly",
  V1AttachedVolume: "name devicePath",
  V1AzureDiskVolumeSource: "diskName diskURI cachingMode? fsType? readOnly? kind?",
  V1AzureFilePersistentVolumeSource: "secretName shareName readOnly secretNamespace?",
  V1AzureFileVolumeSource: "secretName shareName readOnly",
  V1CSIPersistentVolumeSource:
    "driver volumeHandle readOnly fsType volumeAttributes controllerPublishSecretRef nodeStageSecretRef " +
    "nodePublishSecretRef controllerExpandSecretRef nodeExpandSecretRef",
  V1CSIVolumeSource: "driver readOnly? fsType? volumeAttributes nodePublishSecretRef",
  V1CephFSPersistentVolumeSource: "monitors path user secretFile secretRef readOnly",
  V1CephFSVolumeSource: "monitors path user secretFile secretRef readOnly",
  V1CinderPersistentVolumeSource: "volumeID fsType readOnly secretRef",
  V1CinderVolumeSource: "volumeID fsType readOnly secretRef",
  V1ClusterTrustBundleProjection: "name? signerName? labelSelector path optional?",
  V1ConfigMapProjection: "...LocalObjectReference items optional?=4",
  V1ConfigMapVolumeSource: "...LocalObjectReference items defaultMode? optional?",
  V1DownwardAPIProjection: "items",
  V1DownwardAPIVolumeFile: "path fieldRef resourceFieldRef mode?",
  V1DownwardAPIVolumeSource: "items defaultMode?",
  V1EmptyDirVolumeSource: "medium sizeLimit",
  V1EphemeralVolumeSource: "volumeClaimTemplate",
  V1FCVolumeSource: "targetWWNs lun? fsType readOnly wwids",
  V1FlexPersistentVolumeSource: "driver fsType secretRef readOnly options",
  V1FlexVolumeSource: "driver fsType secretRef readOnly options",
  V1FlockerVolumeSource: "datasetName datasetUUID",
  V1GCEPersistentDiskVolumeSource: "pdName fsType partition readOnly",
  V1GitRepoVolumeSource: "repository revision directory",
  V1GlusterfsPersistentVolumeSource: "endpoints path readOnly endpointsNamespace?",
  V1GlusterfsVolumeSource: "endpoints path readOnly",
  V1HostPathVolumeSource: "path type?",
  V1ISCSIPersistentVolumeSource:
    "targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery secretRef=10 chapAuthSession " +
    "initiatorName?",
  V1ISCSIVolumeSource:
    "targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery secretRef=10 chapAuthSession " +
    "initiatorName?",
  V1ImageVolumeSource: "reference pullPolicy",
  V1KeyToPath: "key path mode?",
  V1LocalVolumeSource: "path fsType?",
  V1ModifyVolumeStatus: "targetVolumeAttributesClassName status",
  V1NFSVolumeSource: "server path readOnly",
  V1PersistentVolume: "metadata spec status",
  V1PersistentVolumeClaim: "metadata spec status",
  V1PersistentVolumeClaimCondition: "type status lastProbeTime lastTransitionTime reason message",
  V1PersistentVolumeClaimSpec:
    "accessModes resources volumeName selector storageClassName? volumeMode? dataSource dataSourceRef " +
    "volumeAttributesClassName?",
  V1PersistentVolumeClaimStatus:
    "phase accessModes capacity conditions allocatedResources allocatedResourceStatuses=7 " +
    "currentVolumeAttributesClassName? modifyVolumeStatus",
  V1PersistentVolumeClaimTemplate: "metadata spec",
  V1PersistentVolumeClaimVolumeSource: "claimName readOnly",
  PersistentVolumeSource:
    "gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd iscsi cinder cephfs fc flocker flexVolume " +
    "azureFile vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO local storageos csi",
  V1PersistentVolumeSpec:
    "capacity ...PersistentVolumeSource accessModes claimRef persistentVolumeReclaimPolicy storageClassName " +
    "mountOptions volumeMode? nodeAffinity volumeAttributesClassName?",
  V1PersistentVolumeStatus: "phase message reason lastPhaseTransitionTime",
  V1PhotonPersistentDiskVolumeSource: "pdID fsType",
  V1PodCertificateProjection:
    "signerName keyType maxExpirationSeconds? credentialBundlePath keyPath certificateChainPath",
  V1PortworxVolumeSource: "volumeID fsType readOnly",
  V1ProjectedVolumeSource: "sources defaultMode?",
  V1QuobyteVolumeSource: "registry volume readOnly user group tenant",
  V1RBDPersistentVolumeSource: "monitors image fsType pool user keyring secretRef readOnly",
  V1RBDVolumeSource: "monitors image fsType pool user keyring secretRef readOnly",
  V1ScaleIOPersistentVolumeSource:
    "gateway system secretRef sslEnabled protectionDomain storagePool storageMode volumeName fsType readOnly",
  V1ScaleIOVolumeSource:
    "gateway system secretRef sslEnabled protectionDomain storagePool storageMode volumeName fsType readOnly",
  V1SecretProjection: "...LocalObjectReference items optional?=4",
  V1SecretVolumeSource: "secretName items defaultMode? optional?",
  V1ServiceAccountTokenProjection: "audience expirationSeconds? path",
  V1StorageOSPersistentVolumeSource: "volumeName volumeNamespace fsType readOnly secretRef",
  V1StorageOSVolumeSource: "volumeName volumeNamespace fsType readOnly secretRef",
  V1Volume: "name ...VolumeSource",
  V1VolumeNodeAffinity: "required",
  V1VolumeProjection: "secret downwardAPI configMap serviceAccountToken clusterTrustBundle podCertificate",
  V1VolumeResourceRequirements: "limits requests",
  VolumeSource:
    "hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs " +
    "persistentVolumeClaim rbd flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume " +
    "quobyte azureDisk photonPersistentDisk portworxVolume scaleIO projected storageos csi ephemeral image",
  V1VsphereVirtualDiskVolumeSource: "volumePath fsType storagePolicyName storagePolicyID",
} as const satisfies Readonly<Record<string, string>>;
