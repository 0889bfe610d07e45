import type { Cause } from 'seaworthy/trace-analysis'

/** The five services of the checkout, and the one that sends its e-mail. */
export const SERVICES = ['storefront', 'orders', 'pricing', 'inventory', 'payments', 'notifications'] as const
export type ServiceName = (typeof SERVICES)[number]

/** Programs of other people that use the same database. */
export const JOBS = ['nightly-recount', 'stocktake'] as const
export type JobName = (typeof JOBS)[number]

/** What can be planted into a checkout. */
export type PlantKind =
  | 'slow-code'
  | 'cpu-burn'
  | 'blocked-loop'
  | 'starved-pool'
  | 'row-lock'
  | 'lock-chain'
  | 'slow-query'
  | 'slow-network'
  | 'queue-delay'
  | 'n-plus-one'

export interface Plant {
  readonly kind: PlantKind
  /** Where. For the network the service that is called. */
  readonly service: ServiceName
  /** How much, as ordered: what became of it is measured. */
  readonly ms: number
}

/** What the console has to say of a plant. */
export interface Expected {
  readonly cause: Cause
  readonly service: ServiceName
  /** Who holds the lock. */
  readonly holder?: JobName
  /** The cause is not one part: the calls that are repeated are. */
  readonly isRepetition?: boolean
  /** After the answer. */
  readonly isAfterAnswer?: boolean
}

/** A checkout with something wrong, and what stands above it while nobody knows the answer. */
export interface Case {
  readonly name: string
  readonly plants: readonly Plant[]
}

/** How often orders asks for what it could ask for once. */
export const REPEATED_CALLS = 30

const PLANTED: Readonly<Record<PlantKind, { readonly service: ServiceName; readonly ms: number }>> = {
  'slow-code': { service: 'pricing', ms: 400 },
  'cpu-burn': { service: 'pricing', ms: 400 },
  'blocked-loop': { service: 'payments', ms: 400 },
  'starved-pool': { service: 'inventory', ms: 500 },
  'row-lock': { service: 'inventory', ms: 600 },
  'lock-chain': { service: 'inventory', ms: 700 },
  'slow-query': { service: 'inventory', ms: 500 },
  'slow-network': { service: 'payments', ms: 400 },
  'queue-delay': { service: 'notifications', ms: 800 },
  'n-plus-one': { service: 'orders', ms: 0 },
}

const one = (kind: PlantKind): Plant => ({ kind, ...PLANTED[kind] })

/** One after the other, and then in pairs. */
export const CASES: readonly Case[] = [
  ...(Object.keys(PLANTED) as PlantKind[]).map((kind): Case => ({ name: kind, plants: [one(kind)] })),
  { name: 'row-lock and cpu-burn', plants: [one('row-lock'), one('cpu-burn')] },
  { name: 'slow-network and slow-query', plants: [one('slow-network'), one('slow-query')] },
  { name: 'blocked-loop and slow-code', plants: [one('blocked-loop'), one('slow-code')] },
]

/** Causes that one process alone cannot plant: they need a server that others use too. */
export const NEEDS_SERVER: ReadonlySet<PlantKind> = new Set(['row-lock', 'lock-chain', 'queue-delay'])

export function expectedOf({ kind, service }: Plant): Expected {
  switch (kind) {
    case 'slow-code':
      return { cause: 'code', service }
    case 'cpu-burn':
      return { cause: 'cpu', service }
    case 'blocked-loop':
      return { cause: 'blocked-loop', service }
    case 'starved-pool':
      return { cause: 'pool-wait', service }
    case 'row-lock':
    case 'lock-chain':
      return { cause: 'lock-wait', service, holder: 'nightly-recount' }
    case 'slow-query':
      return { cause: 'query', service }
    case 'slow-network':
      return { cause: 'network', service: 'orders' }
    case 'queue-delay':
      return { cause: 'queue', service, isAfterAnswer: true }
    case 'n-plus-one':
      return { cause: 'network', service, isRepetition: true }
  }
}
