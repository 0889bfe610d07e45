import { ConfigurationError } from 'seaworthy/core'
import { policy, type PolicyDeclaration } from 'seaworthy/resilience'
import type { DeclaredEvent, Reaction } from './reaction.ts'

/** What a process is in the system: business code, or part of the platform. */
export type ServiceRole = 'service' | 'monolith' | 'gateway' | 'console'

export interface ServiceDeclaration {
  /** kebab-case; also its topic's name and the name of its database. */
  readonly name: string
  readonly role?: ServiceRole
  /** The bounded context it belongs to. */
  readonly context: string
  /** One sentence: what it is for. */
  readonly purpose: string
  /** Databases that it alone opens. */
  readonly owns: readonly string[]
  /** Topics that it alone publishes. */
  readonly publishes: readonly string[]
  /** Topics that it consumes. */
  readonly consumes: readonly string[]
  /** The events that it publishes, each on one of its topics. Default: not said, for a system that looks at topics alone. */
  readonly emits?: readonly DeclaredEvent[]
  /** What it does about events of others, on the topics that it consumes. Default: not said. */
  readonly reactions?: readonly Reaction[]
  /** Services that it may call. */
  readonly calls: readonly string[]
  /**
   * How its calls are guarded: a policy for each callee, or for each thing that is asked of it, as in `inventory`, `monolith/reviews`. Default: none, for
   * a process that guards its calls itself, such as a gateway.
   */
  readonly policies?: Readonly<Record<string, PolicyDeclaration>>
  /** Processes of it at one time at most. Default: as many as its engines allow. One, where something in it must be done by one process. */
  readonly instancesMax?: number
  /** The module that is the process, as in `new URL('./main.ts', import.meta.url)`. */
  readonly main: URL
  /** Protocols that it serves; each gets a port of its own. */
  readonly serves: readonly ('http' | 'grpc')[]
}

export type Service = Readonly<Required<ServiceDeclaration>>

const NAME = /^[a-z][a-z0-9-]{0,39}$/

/** Declares a service. @throws ConfigurationError naming what does not hold */
export function defineService(declaration: ServiceDeclaration): Service {
  if (!NAME.test(declaration.name)) {
    throw new ConfigurationError(
      `"${declaration.name}" is no name for a service. Use 1 to 40 lower-case letters, digits and hyphens, beginning with a letter.`,
    )
  }
  if (declaration.calls.includes(declaration.name)) {
    throw new ConfigurationError(`Service ${declaration.name} declares a call to itself. Call a function instead.`)
  }
  const { instancesMax = Number.POSITIVE_INFINITY, policies = {} } = declaration
  if (!(instancesMax >= 1)) throw new ConfigurationError(`instancesMax of service ${declaration.name} is ${instancesMax}; at least 1.`)
  for (const [call, declared] of Object.entries(policies)) {
    if (!declaration.calls.includes(calleeOf(call))) {
      throw new ConfigurationError(
        `Service ${declaration.name} declares a policy for ${call}, but no call to ${calleeOf(call)}. Name it among its calls.`,
      )
    }
    // Made to be checked.
    policy(declared, { name: `${call} of ${declaration.name}` })
  }
  const emits = (declaration.emits ?? []).map(({ type, topic }) => ({ type, topic }))
  const { reactions = [] } = declaration
  assertChoreography({ ...declaration, emits, reactions })
  return Object.freeze({ role: 'service' as const, ...declaration, instancesMax, policies, emits, reactions })
}

/** @throws ConfigurationError for an event on a topic that is not there, or that follows and is not its own */
function assertChoreography({
  name,
  publishes,
  consumes,
  emits,
  reactions,
}: ServiceDeclaration & Pick<Service, 'emits' | 'reactions'>): void {
  for (const { type, topic } of emits) {
    if (!publishes.includes(topic))
      throw new ConfigurationError(`Service ${name} emits ${type} on topic ${topic}, which it does not publish. Name the topic.`)
  }
  for (const { to, followedBy } of reactions) {
    if (!consumes.includes(to.topic)) {
      throw new ConfigurationError(`Service ${name} reacts to ${to.type} of topic ${to.topic}, which it does not consume. Name the topic.`)
    }
    const foreign = followedBy.find((type) => !emits.some((own) => own.type === type))
    if (foreign !== undefined) {
      throw new ConfigurationError(
        `Service ${name} says that ${foreign} follows ${to.type}, and does not emit it. Name it among \`emits\`.`,
      )
    }
  }
}

/** The service that a call goes to: `monolith` of `monolith/reviews`. */
export function calleeOf(call: string): string {
  return call.split('/', 1)[0]!
}
