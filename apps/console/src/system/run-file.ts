import { readFile, stat } from 'node:fs/promises'
import type { Choreography } from 'seaworthy/system'

/** One process as the supervisor wrote it. */
export interface ProcessEntry {
  readonly name: string
  readonly role: string
  readonly context: string
  readonly purpose: string
  readonly instance: string
  readonly pid: number | null
  readonly state: string
  readonly restarts: number
  readonly lastExit: string | null
  readonly startedAt: string | null
  readonly httpUrl: string | null
  /** Where a gateway's admin API is. */
  readonly adminUrl: string | null
  /** Where Prometheus scrapes it. */
  readonly metricsUrl: string | null
  readonly faults: Faults
}

/** What a process was told to suffer. */
export interface Faults {
  readonly latencyMs: number
  readonly errorRatio: number
  readonly paused: boolean
}

/** What runs, and since when. */
export interface RunState {
  readonly system: string | null
  readonly startedAt: string | null
  readonly processes: readonly ProcessEntry[]
  /** Who reacts to what, as the services declare it. */
  readonly choreography: Choreography
}

const NOTHING: RunState = { system: null, startedAt: null, processes: [], choreography: { events: [], topics: [] } }

/** The supervisor's run file, read again when it was replaced. Without one, or while it cannot be read, the last state that was seen. */
export class RunFileReader {
  readonly #path: string | undefined
  #version = ''
  #state: RunState = NOTHING

  constructor(path: string | undefined) {
    this.#path = path
  }

  get state(): RunState {
    return this.#state
  }

  /** Reads the file if it changed. @returns whether the state did */
  async refresh(): Promise<boolean> {
    if (this.#path === undefined) return false
    try {
      // Replaced by a rename: another inode, even within the same millisecond.
      const { ino, mtimeMs, size } = await stat(this.#path)
      const version = `${ino} ${mtimeMs} ${size}`
      if (version === this.#version) return false
      this.#state = parseRunFile(await readFile(this.#path, 'utf8'))
      this.#version = version
      return true
    } catch {
      return false
    }
  }
}

/** @throws SyntaxError for text that is no JSON; what is JSON and no run file has no processes */
export function parseRunFile(text: string): RunState {
  const run = JSON.parse(text) as Partial<Record<string, unknown>> | null
  const processes = Array.isArray(run?.['processes']) ? run['processes'] : []
  return {
    choreography: choreographyOf(run?.['choreography']),
    system: string(run?.['system']),
    startedAt: string(run?.['startedAt']),
    processes: processes.filter(isObject).map((entry) => ({
      name: string(entry['name']) ?? 'unknown',
      role: string(entry['role']) ?? 'service',
      context: string(entry['context']) ?? '',
      purpose: string(entry['purpose']) ?? '',
      instance: string(entry['instance']) ?? string(entry['name']) ?? 'unknown',
      pid: typeof entry['pid'] === 'number' ? entry['pid'] : null,
      state: string(entry['state']) ?? 'stopped',
      restarts: typeof entry['restarts'] === 'number' ? entry['restarts'] : 0,
      lastExit: string(entry['lastExit']),
      startedAt: string(entry['startedAt']),
      httpUrl: string(entry['httpUrl']),
      adminUrl: string(entry['adminUrl']),
      metricsUrl: string(entry['metricsUrl']),
      faults: faultsOf(entry['faults']),
    })),
  }
}

/** As the supervisor wrote it; an older one wrote none. */
function choreographyOf(value: unknown): Choreography {
  const { events, topics } = isObject(value) ? value : {}
  return {
    events: (Array.isArray(events) ? events : []).filter(isObject).flatMap((event) => {
      const [type, topic, by] = [string(event['type']), string(event['topic']), string(event['by'])]
      const reactions = (Array.isArray(event['reactions']) ? event['reactions'] : []).filter(isObject)
      if (type === null || topic === null || by === null) return []
      return [
        {
          type,
          topic,
          by,
          reactions: reactions.map((each) => ({
            service: string(each['service']) ?? 'unknown',
            does: string(each['does']) ?? '',
            followedBy: texts(each['followedBy']),
          })),
        },
      ]
    }),
    topics: (Array.isArray(topics) ? topics : []).filter(isObject).flatMap((each) => {
      const topic = string(each['topic'])
      return topic === null ? [] : [{ topic, by: string(each['by']), heardBy: texts(each['heardBy']) }]
    }),
  }
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

function faultsOf(value: unknown): Faults {
  const faults = isObject(value) ? value : {}
  const number = (field: unknown) => (typeof field === 'number' ? field : 0)
  return { latencyMs: number(faults['latencyMs']), errorRatio: number(faults['errorRatio']), paused: faults['paused'] === true }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function string(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
