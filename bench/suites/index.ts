import type { Suite } from '../harness/suite.ts'

/** Every suite by its name on the command line. To add one, add a folder with a suite.ts, and a line here. */
export const SUITES: Readonly<Record<string, () => Promise<Suite>>> = {
  'event-store': async () => (await import('./event-store/suite.ts')).suite,
  gateway: async () => (await import('./gateway/suite.ts')).suite,
  messaging: async () => (await import('./messaging/suite.ts')).suite,
  observability: async () => (await import('./observability/suite.ts')).suite,
  projections: async () => (await import('./projections/suite.ts')).suite,
  resilience: async () => (await import('./resilience/suite.ts')).suite,
  saga: async () => (await import('./saga/suite.ts')).suite,
  simulation: async () => (await import('./simulation/suite.ts')).suite,
}
