import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import type { MethodDefinition } from '@grpc/grpc-js'

/**
 * What grpc-js needs to know of a method. It carries bytes only: messages are read and written by this package, so
 * that one that cannot be is a typed error on the right side of the wire.
 */
export type BytesMethod = MethodDefinition<Uint8Array, Uint8Array>

/** `/package.Service/Method`: how a method is called on the wire. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`
}

/** `package.Service/Method`: how spans and messages name it. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`
}

/** The unary methods of a service. Streaming methods have no form here yet: a server answers them UNIMPLEMENTED. */
export function unaryMethods(service: DescService): DescMethod[] {
  return service.methods.filter((method) => method.methodKind === 'unary')
}

/** A method as grpc-js defines it, made from what protoc-gen-es generated. */
export function bytesMethod(method: DescMethod): BytesMethod {
  return {
    path: methodPath(method),
    requestStream: false,
    responseStream: false,
    requestSerialize: asBuffer,
    requestDeserialize: asIs,
    responseSerialize: asBuffer,
    responseDeserialize: asIs,
    originalName: method.localName,
  }
}

const asIs = (bytes: Buffer): Uint8Array => bytes
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** A message, or the plain object that one is made from, as bytes. */
export function encode<Schema extends DescMessage>(schema: Schema, message: MessageInitShape<Schema>): Uint8Array {
  return toBinary(schema, create(schema, message))
}

export function decode<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  return fromBinary(schema, bytes)
}
