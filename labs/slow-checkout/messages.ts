import type { Plant, PlantKind } from './plants.ts'

/** What a process of the lab is told. */
export type Order =
  | { readonly kind: 'urls'; readonly urls: Readonly<Record<string, string>> }
  /** What is to go wrong with the next request. Answered by `ready`. */
  | { readonly kind: 'plant'; readonly plant: Plant }
  /** A job begins to count these products, in this order, and keeps them until `release`. */
  | { readonly kind: 'hold'; readonly skus: readonly string[] }
  | { readonly kind: 'release' }

/** What a process of the lab tells. */
export type Report =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'ready' }
  /** A job asks for its product of this number; after the last it has them all. */
  | { readonly kind: 'counting'; readonly index: number }
  /** A job has ended its transaction. On the wall clock, which the processes of a machine share. */
  | { readonly kind: 'released'; readonly atMs: number }
  /** A request is about to wait for what the lab holds, or its letter is. */
  | { readonly kind: 'waiting'; readonly atMs: number }
  /** A plant has had its effect, and how long that took. */
  | { readonly kind: 'planted'; readonly plant: PlantKind; readonly ms: number }
  /** How long the processor worked for the process, over how long. */
  | { readonly kind: 'sample'; readonly cpuMs: number; readonly overMs: number }
