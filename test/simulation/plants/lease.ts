import { leaseWorld } from '../worlds/lease.ts'
import type { Plant } from './plant.ts'

/** Mistakes of whoever lets one of many do the work. */
export const leasePlants: readonly Plant[] = [
  {
    name: 'lease-without-fencing',
    mistake: 'Whoever has got the lease writes, without a token: a process that stood still overwrites what its successor wrote.',
    world: leaseWorld({ fencing: false }),
  },
]
