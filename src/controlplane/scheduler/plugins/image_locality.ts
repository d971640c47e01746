import { maxScore, type Plugin } from "../framework/plugin.ts";

const megabyte = 1024 * 1024;
/** Below, an image's size does not matter. */
const leastBytes = 23 * megabyte;
/** Beyond, a container's image does not matter more. */
const mostBytesPerContainer = 1000 * megabyte;

/** Nodes that have the pod's images are better: by size, and less for images that few nodes have (no hot spots). */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  score({ pod: { spec } }, { imageNodes, nodes: allNodes }) {
    if (imageNodes.size === 0) return undefined;
    const containers = [...(spec.initContainers ?? []), ...spec.containers];
    const volumes = (spec.volumes ?? []).flatMap(({ image }) => (image?.reference ? [image.reference] : []));
    const images = [...containers.map(({ image = "" }) => image), ...volumes].map(withTag);
    const spreads = images.map((image) => (imageNodes.get(image) ?? 0) / allNodes.length);
    if (spreads.every((share) => share === 0)) return undefined;
    const most = mostBytesPerContainer * images.length;
    return {
      score(node) {
        let bytes = 0;
        for (const [i, image] of images.entries()) bytes += Math.floor((node.images.get(image) ?? 0) * spreads[i]!);
        const counted = Math.min(most, Math.max(leastBytes, bytes));
        return Math.floor((maxScore * (counted - leastBytes)) / (most - leastBytes));
      },
    };
  },
};

/** Nodes report names with a tag; a pod's may lack it. */
function withTag(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image;
}
