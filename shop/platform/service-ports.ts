import type { DescService } from '@bufbuild/protobuf'
import type { GrpcClient, GrpcImplementation } from '@seaworthy/rpc/grpc'
import { type HttpServer, type RestClient, type RestContract, type RestHandlers, type RestOperations, serve } from '@seaworthy/rpc/rest'
import type { Mapping, OwnedWrites } from '@seaworthy/strangler/cut-over'
import type { Answer } from '@seaworthy/supervisor/management'
import { type Clock, ConfigurationError, type Database, type LeaseStore, type NewId, type Transaction } from 'seaworthy/core'
import type { Attempt, EventEnvelope, MessageHandler, Queue } from 'seaworthy/messaging'
import type { Outbox } from 'seaworthy/outbox'
import type { RunningDocumentProjection } from 'seaworthy/projections'
import { type Policy, policy } from 'seaworthy/resilience'
import type { Participant } from 'seaworthy/saga'
import type { Service } from 'seaworthy/system'
import type { QueueOptions, StoreName, Stores } from './engines/stores.ts'
import type { ServePages } from './pages.ts'
import type { Switches } from './switches.ts'
import type { ServiceSchema } from './tables.ts'

/** Handles an event in the transaction that remembers it: what it writes through `tx` happens once. */
export type ConsumedEventHandler = (event: EventEnvelope, tx: Transaction, attempt: Attempt) => Promise<void>

/** A handler that tells which types of events it handles: they are held against the reactions that the service declares. */
type Reacting<Handler> = Handler & { readonly types: readonly string[] }

/** Serves the operations of a contract. */
export type ServeRest = <Contract extends RestContract, Handlers extends RestHandlers<Contract['operations']>>(
  contract: Contract,
  handlers: Handlers,
) => void

/** Serves contracts over HTTP. */
export function servingOn(server: HttpServer): ServeRest {
  return (contract, handlers) => serve(server, contract, handlers)
}

/**
 * Clients of other services, each under the policy that the service declares for the call: `inventory`, `orders/checkout`. They are closed when the service
 * stops. A call without a declared policy is a ConfigurationError.
 */
export interface Connections {
  readonly grpc: <Descriptor extends DescService>(descriptor: Descriptor, call: string) => GrpcClient<Descriptor>
  readonly rest: <Operations extends RestOperations>(contract: RestContract<Operations>, call: string) => RestClient<Operations>
}

/** The policy that a service declares for a call. @throws ConfigurationError when it declares none */
export function declaredPolicy({ name, policies }: Service, call: string): Policy {
  const declaration = policies[call]
  if (declaration === undefined) {
    throw new ConfigurationError(
      `Service ${name} calls ${call} without a policy. Declare one in its service.ts; it has: ${Object.keys(policies).join(', ')}.`,
    )
  }
  return policy(declaration, { name: call })
}

/** What of a logger the services use. */
export interface ServiceLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  fatal(fields: object, message: string): void
}

/** Leases, and the name that this instance has in them, which its successor gets. */
export interface Sharing {
  readonly leases: LeaseStore
  readonly instance: string
}

/** Writes of data that can move while the shop runs. */
export interface MovingWrites extends OwnedWrites {
  /** Settles once all that somebody else had is here too. Before, what others tell may be about what has not come yet. */
  copied(signal: AbortSignal): Promise<void>
  /** Settles once what was written here is also where others ask for it as long as the data moves; or after a while, since it is written anyway. */
  seen(): Promise<void>
}

/**
 * What a service is wired to. In production a process of its own with files and sockets (run-service.ts); under simulation the virtual ones of a test.
 * A service cannot tell which.
 */
export interface ServicePorts {
  readonly switches: Switches
  /** Calls `invent` with the number of the shop that an empty database is to be filled with; not at all if it is to stay empty. */
  readonly seeding: (invent: (seed: number) => Promise<unknown>) => Promise<void>
  readonly logger: ServiceLogger
  readonly clock: Clock
  readonly newId: NewId
  /** The service's own folder, for what is no database. */
  readonly folder: string
  /** The service's own database, migrated. */
  readonly database: Database
  /** The library's stores in it: those that every service has, and those that the composition names. */
  readonly stores: Stores
  /**
   * Writes these tables of the service's own anew: what was deleted or overwritten in them is then in no file of the database. Not inside a transaction.
   * @returns what may still be there, and what to do about it
   */
  readonly scrub: (tables: readonly string[]) => Promise<readonly string[]>
  /** Publishes on the service's own topics; the relay runs beside it. */
  readonly outbox: Outbox
  readonly participant: Participant
  /**
   * Who writes data that can move while the shop runs asks first, in the transaction in which it writes, by the name of the mapping. Data that does not move is
   * its own.
   */
  readonly owned: (mapping: string) => MovingWrites
  /** What this instance shares work with the service's others by; undefined where it is the only one, as on embedded storage. */
  readonly sharing: Sharing | undefined
  /** Aborted when the process begins to stop. What is in hand is finished all the same; whoever only waits for others need not wait for long. */
  readonly stopping: AbortSignal
  /** Opens a queue of the service's own. It closes before the database does. */
  readonly openQueue: (name: string, options: QueueOptions) => Promise<Queue>
  readonly connections: Connections
  /** Serves a contract once everything is wired. */
  readonly serveRest: ServeRest
  /** Serves pages for people once everything is wired. */
  readonly servePages: ServePages
  /** Serves these over gRPC once everything is wired. */
  readonly serveGrpc: (...implementations: readonly GrpcImplementation[]) => void
  /**
   * Consumes the topics that the service's declaration names, behind its inbox. `beforehand` sees each event before the inbox's transaction begins, for what cannot be
   * part of it, and is safe to repeat.
   * @throws ConfigurationError for a reaction that is not declared
   */
  readonly consume: (handler: Reacting<ConsumedEventHandler>, options?: { readonly beforehand?: Reacting<MessageHandler> }) => Promise<void>
  /** The same without an inbox, for a handler that knows by itself what it has handled, wherever it keeps that. */
  readonly consumeByItself: (handler: Reacting<MessageHandler>) => Promise<void>
  /** What the supervisor may ask this service, beyond what every service answers. */
  readonly answerSupervisor: (answers: Readonly<Record<string, Answer>>) => void
  /** Shows a version of a read model, and what waits for its documents, among the service's messages. @returns a function that takes it out again */
  readonly showProjection: (running: RunningDocumentProjection) => () => void
  /** What is to be stopped before the database closes; what was added last is stopped first. */
  readonly onStop: (name: string, stop: () => Promise<void> | void) => void
}

/** A service whole: what it is, what it keeps, and how its parts are connected. */
export interface ServiceComposition {
  readonly service: Service
  /** The service's own tables. */
  readonly schema: readonly ServiceSchema[]
  /** The library's stores that it opens itself. Outbox, inbox, consumer and participant are there anyway. */
  readonly stores?: readonly StoreName[]
  /** What it can take over from the monolith while both run, and what others can take over from it. */
  readonly takesOver?: Mapping
  readonly givesAway?: readonly Mapping[]
  /** Connects the service's parts. Runs before the service takes any work. */
  readonly wire: (ports: ServicePorts) => Promise<void>
}
