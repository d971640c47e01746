/** The API's verbs as requests, for any client that can send one; each lists and watches in a way of its own. */
import type { KubeObject, New } from "../model/kubernetes.ts";
import type {
  Client,
  DeleteOptions,
  ListOptions,
  ObjectKey,
  ObjectList,
  Patch,
  StopWatch,
  WatchObserver,
  WatchOptions,
  WriteOptions,
} from "./client.ts";
import { deleteBody, leftBehind, patchContentTypes, pathOf, queryOf } from "./request_parts.ts";
import { apiVersionOf, type ResourceType } from "./resource_types.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly body?: object;
  /** Default: application/json. */
  readonly contentType?: string;
}

export abstract class RequestClient implements Client {
  /** @returns the answer's JSON @throws StatusError */
  protected abstract send<Answer>(request: ApiRequest): Promise<Answer>;

  abstract list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<ObjectList<T>>;

  abstract watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
    observer: WatchObserver<T>,
  ): StopWatch;

  get<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey): Promise<T> {
    return this.send({ method: "GET", path: pathOf(type, key) });
  }

  create<T extends KubeObject>(type: ResourceType<T>, object: New<T>, options: WriteOptions = {}): Promise<T> {
    return this.send({
      method: "POST",
      path: pathOf(type, { namespace: object.metadata.namespace }),
      query: queryOf({ fieldManager: options.fieldManager }),
      body: { ...object, apiVersion: apiVersionOf(type), kind: type.kind },
    });
  }

  createSubresource<Answer>(
    type: ResourceType<KubeObject>,
    key: ObjectKey,
    subresource: string,
    body: object,
  ): Promise<Answer> {
    return this.send({ method: "POST", path: pathOf(type, key, subresource), body });
  }

  update<T extends KubeObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.send({
      method: "PUT",
      path: pathOf(type, object.metadata, options.subresource),
      query: queryOf({ fieldManager: options.fieldManager }),
      body: { ...object, apiVersion: apiVersionOf(type), kind: type.kind },
    });
  }

  patch<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    const force = patch.type === "apply" && patch.force ? true : undefined;
    return this.send({
      method: "PATCH",
      path: pathOf(type, key, options.subresource),
      query: queryOf({ fieldManager: options.fieldManager, force }),
      contentType: patchContentTypes[patch.type],
      body: patch.body,
    });
  }

  async delete<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    options: DeleteOptions = {},
  ): Promise<T | undefined> {
    const body = deleteBody(options);
    return leftBehind<T>(await this.send({ method: "DELETE", path: pathOf(type, key), body }), options);
  }

  async deleteCollection(
    type: ResourceType<KubeObject>,
    options: ListOptions & { readonly delete?: DeleteOptions },
  ): Promise<void> {
    const { namespace, labelSelector, fieldSelector } = options;
    await this.send({
      method: "DELETE",
      path: pathOf(type, { namespace }),
      query: queryOf({ labelSelector, fieldSelector }),
      body: deleteBody(options.delete ?? {}),
    });
  }

  read(path: string): Promise<unknown> {
    return this.send({ method: "GET", path });
  }
}
