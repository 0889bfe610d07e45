import type { LatencyWindow, ServiceFigures } from './latency-window.ts'
import type { ProcessEntry, RunState } from './run-file.ts'

/** An instance of a service, as `GET /api/services` shows it. */
export interface InstanceView {
  readonly instance: string
  readonly state: string
  readonly ready: boolean
  readonly pid: number | null
  readonly restarts: number
  readonly lastExit: string | null
  readonly startedAt: string | null
  readonly httpUrl: string | null
}

export interface ServiceView {
  readonly name: string
  /** `unknown` for a service that sends spans and is not in the run file. */
  readonly role: string
  readonly context: string
  readonly purpose: string
  readonly instances: readonly InstanceView[]
  /** Work that entered the service (server and consumer spans) in the last five minutes. */
  readonly spans: ServiceFigures
}

/** Services of the run file in its order, then those that only their spans tell of. */
export function serviceViews(run: RunState, figures: LatencyWindow): ServiceView[] {
  const byName = new Map<string, ProcessEntry[]>()
  for (const entry of run.processes) byName.set(entry.name, [...(byName.get(entry.name) ?? []), entry])
  const declared = [...byName].map(([name, [first, ...others]]) => ({
    name,
    role: first!.role,
    context: first!.context,
    purpose: first!.purpose,
    instances: [first!, ...others].map(instanceView),
    spans: figures.figures(name),
  }))
  const foreign = figures
    .services()
    .filter((name) => !byName.has(name))
    .toSorted()
    .map((name) => ({ name, role: 'unknown', context: '', purpose: '', instances: [], spans: figures.figures(name) }))
  return [...declared, ...foreign]
}

function instanceView({ instance, state, pid, restarts, lastExit, startedAt, httpUrl }: ProcessEntry): InstanceView {
  return { instance, state, ready: state === 'ready', pid, restarts, lastExit, startedAt, httpUrl }
}
