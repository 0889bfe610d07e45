import type { DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { type CallContext, ConfigurationError } from 'seaworthy/core'
import { unaryMethods } from './service-definition.ts'

/** The names of a service's unary methods, as in generated code: `getStock`. */
export type UnaryMethodOf<Service extends DescService> = {
  [Name in keyof Service['method']]: Service['method'][Name]['methodKind'] extends 'unary' ? Name : never
}[keyof Service['method']]

/** Handles one method: gets the message and the call's context, gives the answer or what it is made from, or throws. */
export type GrpcHandlers<Service extends DescService> = {
  readonly [Name in UnaryMethodOf<Service>]: (
    request: MessageShape<Service['method'][Name]['input']>,
    call: CallContext,
  ) => Promise<MessageInitShape<Service['method'][Name]['output']>> | MessageInitShape<Service['method'][Name]['output']>
}

/** A service and those who do its work. */
export interface GrpcImplementation {
  readonly service: DescService
  readonly handlers: Readonly<Record<string, GrpcHandler>>
}

/** A handler whose types stand in the descriptor alone. */
export type GrpcHandler = (request: never, call: CallContext) => unknown

/**
 * Binds handlers to a generated service.
 * @throws ConfigurationError naming a method without a handler
 */
export function implement<Service extends DescService>(service: Service, handlers: GrpcHandlers<Service>): GrpcImplementation {
  const byName = handlers as Readonly<Record<string, GrpcHandler>>
  for (const { localName } of unaryMethods(service)) {
    if (typeof byName[localName] !== 'function') throw new ConfigurationError(`${service.typeName}: method ${localName} has no handler.`)
  }
  return { service, handlers: byName }
}
