import { ALWAYS_OWNED } from '../platform/always-owned.ts'
import type { Ground } from '../platform/service-parts.ts'
import type { ServicePorts } from '../platform/service-ports.ts'

/** Ports of a service in a test that looks behind them: nobody looks at its pages or supervises it, its data stays where it is, and it starts empty. */
export const UNATTENDED = {
  seeding: async () => undefined,
  owned: () => ALWAYS_OWNED,
  sharing: undefined,
  /** One for each service: what listens to it would keep worlds of the past alive. */
  get stopping() {
    return new AbortController().signal
  },
  servePages: () => undefined,
  showProjection: () => () => undefined,
  answerSupervisor: () => undefined,
} satisfies Partial<ServicePorts>

/** The same of its parts. */
export const UNWATCHED = { onRelay: () => undefined, onConsumer: () => undefined } satisfies Partial<Ground>
