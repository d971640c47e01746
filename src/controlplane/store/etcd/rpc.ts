/**
 * The part of etcd's v3 API that the store uses (etcd documentation, "API reference"), as a
 * protobuf description: only the messages and fields that are read or written here.
 */
export const rpcProto = `
syntax = "proto3";
package etcdserverpb;

message ResponseHeader { int64 revision = 3; }
message KeyValue { bytes key = 1; int64 create_revision = 2; int64 mod_revision = 3; bytes value = 5; }
message Event { enum EventType { PUT = 0; DELETE = 1; } EventType type = 1; KeyValue kv = 2; }

message RangeRequest { bytes key = 1; bytes range_end = 2; int64 limit = 3; int64 revision = 4; bool count_only = 9; }
message RangeResponse { ResponseHeader header = 1; repeated KeyValue kvs = 2; bool more = 3; int64 count = 4; }
message PutRequest { bytes key = 1; bytes value = 2; int64 lease = 3; }
message DeleteRangeRequest { bytes key = 1; }
message RequestOp {
  oneof request { RangeRequest request_range = 1; PutRequest request_put = 2; DeleteRangeRequest request_delete_range = 3; }
}
message ResponseOp { oneof response { RangeResponse response_range = 1; } }
message Compare {
  enum CompareResult { EQUAL = 0; }
  enum CompareTarget { VERSION = 0; CREATE = 1; MOD = 2; VALUE = 3; }
  CompareResult result = 1;
  CompareTarget target = 2;
  bytes key = 3;
  oneof target_union { int64 mod_revision = 6; bytes value = 7; }
}
message TxnRequest { repeated Compare compare = 1; repeated RequestOp success = 2; repeated RequestOp failure = 3; }
message TxnResponse { ResponseHeader header = 1; bool succeeded = 2; repeated ResponseOp responses = 3; }
message CompactionRequest { int64 revision = 1; }
message CompactionResponse { ResponseHeader header = 1; }

message WatchCreateRequest { bytes key = 1; bytes range_end = 2; int64 start_revision = 3; bool progress_notify = 4; }
message WatchProgressRequest {}
message WatchRequest { oneof request_union { WatchCreateRequest create_request = 1; WatchProgressRequest progress_request = 3; } }
message WatchResponse {
  ResponseHeader header = 1;
  int64 watch_id = 2;
  bool created = 3;
  bool canceled = 4;
  int64 compact_revision = 5;
  string cancel_reason = 6;
  repeated Event events = 11;
}

message LeaseGrantRequest { int64 TTL = 1; int64 ID = 2; }
message LeaseGrantResponse { ResponseHeader header = 1; int64 ID = 2; string error = 4; }

service KV {
  rpc Range(RangeRequest) returns (RangeResponse);
  rpc Txn(TxnRequest) returns (TxnResponse);
  rpc Compact(CompactionRequest) returns (CompactionResponse);
}
service Watch { rpc Watch(stream WatchRequest) returns (stream WatchResponse); }
service Lease { rpc LeaseGrant(LeaseGrantRequest) returns (LeaseGrantResponse); }
`;

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: number;
  readonly mod_revision: number;
}

interface Header {
  readonly header: { readonly revision: number };
}

export interface RangeResponse extends Header {
  readonly kvs: readonly KeyValue[];
  readonly count: number;
}

export interface TxnResponse extends Header {
  readonly succeeded: boolean;
  readonly responses: readonly { readonly response_range?: RangeResponse | null }[];
}

export interface WatchResponse extends Header {
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: number;
  readonly cancel_reason: string;
  readonly events: readonly { readonly type: "PUT" | "DELETE"; readonly kv: KeyValue }[];
}

/** Unary calls by their method's name: request and response. */
export interface UnaryCalls {
  Range: [{ key: Buffer; range_end?: Buffer; limit?: number; revision?: number; count_only?: boolean }, RangeResponse];
  Txn: [{ compare: object[]; success: object[]; failure: object[] }, TxnResponse];
  Compact: [{ revision: number }, Header];
  LeaseGrant: [{ TTL: number; ID: number }, Header & { readonly error: string }];
}
