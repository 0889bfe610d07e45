import { create, type DescMethod, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf'
import type { GrpcClient, GrpcImplementation } from '@seaworthy/rpc/grpc'
import type { ContractSchema, RestClient, RestContract, RestOperation } from '@seaworthy/rpc/rest'
import type { Transport } from '@seaworthy/simulation'
import { type CallContext, contextOrRoot, validate } from 'seaworthy/core'
import { calleeOf, type Service, type System } from 'seaworthy/system'
import { type Connections, declaredPolicy, type ServicePorts } from '../../platform/service-ports.ts'

/** What a node answers to, by the names of methods and operations. */
export type Served = Record<string, (request: never, call: CallContext) => Promise<unknown>>

type Call = (request: object | undefined, call?: CallContext) => Promise<unknown>

/**
 * Clients of other nodes: the contracts and policies of production, over the simulated transport in place of HTTP and gRPC. Calls to who does not run yet
 * go to who stands in.
 */
export function connectionsOver(transport: Transport, caller: Service, standIns: System['standIns']): Connections {
  const nodeOf = (target: string) => standIns[calleeOf(target)] ?? calleeOf(target)
  return {
    grpc: (descriptor, target) => {
      const guard = declaredPolicy(caller, target)
      const service = nodeOf(target)
      const callOf = (method: DescMethod): Call => {
        return async (request = {}, call = contextOrRoot()) => {
          const sent = toJson(method.input, create(method.input, request as Record<string, unknown>))
          return guard.run(
            async (attempt) => fromJson(method.output, await transport.call<JsonValue>(service, method.localName, sent, attempt)),
            call,
          )
        }
      }
      return clientOf<GrpcClient<typeof descriptor>>(descriptor.methods.map((method) => [method.localName, callOf(method)]))
    },
    rest: (contract, target) => {
      const guard = declaredPolicy(caller, target)
      const service = nodeOf(target)
      const callOf = (name: string): Call => {
        return (request = {}, call = contextOrRoot()) => guard.run((attempt) => transport.call(service, name, request, attempt), call)
      }
      return clientOf<RestClient<(typeof contract)['operations']>>(Object.keys(contract.operations).map((name) => [name, callOf(name)]))
    },
  }
}

function clientOf<Client>(methods: readonly (readonly [string, Call])[]): Client {
  return Object.assign(Object.fromEntries(methods), { [Symbol.dispose]: () => undefined }) as Client
}

/** Serves contracts by adding their handlers to `served`, with what a server does before it calls one: reading the message, checking the input. */
export function servingInto(served: Served): Pick<ServicePorts, 'serveRest' | 'serveGrpc'> {
  return {
    serveRest: (contract: RestContract, handlers) => {
      for (const [name, operation] of Object.entries(contract.operations)) {
        const handler = (handlers as unknown as Served)[name]!
        served[name] = async (request: Partial<Input>, call) => handler({ call, ...checked(operation, request) } as never, call)
      }
    },
    serveGrpc: (...implementations) => {
      for (const { service, handlers } of implementations) {
        for (const method of service.methods) served[method.localName] = answering(method, handlers[method.localName]!)
      }
    },
  }
}

function answering(method: DescMethod, handler: GrpcImplementation['handlers'][string]): Served[string] {
  return async (request: JsonValue, call) => {
    const answer = (await handler(fromJson(method.input, request) as never, call)) as Record<string, unknown>
    return toJson(method.output, create(method.output, answer))
  }
}

const PARTS = ['params', 'query', 'headers', 'body'] as const
type Input = Record<(typeof PARTS)[number], unknown>

function checked(operation: RestOperation, request: Partial<Input>): Input {
  const part = (name: (typeof PARTS)[number]): [string, unknown] => {
    const schema: ContractSchema | undefined = operation[name]
    return [name, schema && validate(schema, request[name], `The ${name}`)]
  }
  return Object.fromEntries(PARTS.map(part)) as Input
}
