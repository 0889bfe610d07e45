import { system } from '../../shop/system.ts'
import { cannotMount } from './mounts.ts'
import { type Disk, EVENT_LOG, type Link, type Plan, planFaults } from './plan.ts'

/** What a checkout and a customer who looks around use all the time. */
const LINKS: readonly Link[] = [
  { caller: 'gateway', callee: 'orders', wire: 'http' },
  { caller: 'gateway', callee: 'monolith', wire: 'http' },
  { caller: 'gateway', callee: 'order-history', wire: 'http' },
  { caller: 'orders', callee: 'catalog', wire: 'http' },
  { caller: 'orders', callee: 'customers', wire: 'http' },
  { caller: 'orders', callee: 'inventory', wire: 'grpc' },
  { caller: 'orders', callee: 'payments', wire: 'grpc' },
  { caller: 'orders', callee: 'shipping', wire: 'grpc' },
]
const DISKS: readonly Disk[] = [EVENT_LOG, 'orders', 'payments', 'inventory', 'shipping', 'notifications', 'analytics', 'order-history']

/** A plan for the shop on this machine. `cannotFill` says why no disk is filled, where none can be. */
export function planForShop({
  disks = DISKS,
  ...options
}: {
  seed: number
  durationMs: number
  /** Of these one is filled. Default all that are written to with every order. */
  disks?: readonly Disk[]
}): Plan & { readonly cannotFill: string | undefined } {
  const cannotFill = cannotMount('tmpfs')
  const services = system.services.map(({ name }) => name)
  return { ...planFaults({ ...options, services, links: LINKS, disks: cannotFill === undefined ? disks : [] }), cannotFill }
}
