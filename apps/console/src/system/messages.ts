import { askService } from '@seaworthy/supervisor'
import type { DeadLetterDetails, DeadLetterList, MessagesStatus, RequeueAnswer, RequeueParameters } from '@seaworthy/supervisor/management'
import { type Clock, SeaworthyError, systemClock } from 'seaworthy/core'
import { askingSupervisor, oneOfEach, servicesOf, shared, whoAsks } from './asking.ts'
import type { ProcessEntry, RunState } from './run-file.ts'

/** How the messages of one service stand, as `GET /api/messages` shows it. */
export interface ServiceMessages {
  readonly service: string
  /** Null while the service does not answer. */
  readonly status: MessagesStatus | null
  /** Its dead letters, the oldest of each source. */
  readonly deadLetters: readonly DeadLetterList[]
  /** Why it does not answer. */
  readonly problem: string | null
}

/** What processes say of their messages. Nobody opens their databases but they themselves. */
export interface Messages {
  /** Of every service of the system that has something to say. */
  all(): Promise<readonly ServiceMessages[]>
  /** @throws NotFoundError, UnavailableError */
  deadLetter(service: string, id: string): Promise<DeadLetterDetails>
  /** @throws NotFoundError, InvalidInputError, UnavailableError, UnknownOutcomeError */
  requeue(service: string, parameters: RequeueParameters): Promise<RequeueAnswer>
}

const STATUS_TIMEOUT_MS = 6_000
/** The supervisor waits for a minute. */
const REQUEUE_TIMEOUT_MS = 70_000
/** However many pages look, processes are asked once in this time. */
const SHARED_MS = 1_000

/** Asks the processes by way of their supervisor's control socket. `run` tells which there are. */
export function supervisedMessages(options: { runFile: string | undefined; run: () => Promise<RunState>; clock?: Clock }): Messages {
  const { runFile, run, clock = systemClock } = options
  const asking = (timeoutMs: number) => askingSupervisor(runFile, timeoutMs)

  async function of({ name: service }: ProcessEntry): Promise<readonly ServiceMessages[]> {
    try {
      const status = await askService({ service, question: 'messages', parameters: {} }, asking(STATUS_TIMEOUT_MS))
      return [{ service, status, deadLetters: hasDeadLetters(status) ? await lettersOf(service) : [], problem: null }]
    } catch (error) {
      // A process that has nothing to say about messages is none that could be missed here.
      if (error instanceof SeaworthyError && error.code === 'not-found') return []
      return [{ service, status: null, deadLetters: [], problem: error instanceof Error ? error.message : String(error) }]
    }
  }

  async function lettersOf(service: string): Promise<readonly DeadLetterList[]> {
    const { sources } = await askService({ service, question: 'dead-letters', parameters: {} }, asking(STATUS_TIMEOUT_MS))
    return sources.filter(({ letters }) => letters.length > 0)
  }

  async function askAll(): Promise<readonly ServiceMessages[]> {
    const asked = oneOfEach(servicesOf(await run()))
    return (await Promise.all(asked.map(of))).flat()
  }

  const everything = shared(askAll, SHARED_MS, clock)
  return {
    all: everything.get,
    deadLetter: async (service, id) => askService({ service, question: 'dead-letter', parameters: { id } }, asking(STATUS_TIMEOUT_MS)),
    async requeue(service, parameters) {
      everything.forget()
      try {
        return await askService({ service, question: 'requeue-dead-letters', parameters, by: whoAsks() }, asking(REQUEUE_TIMEOUT_MS))
      } finally {
        everything.forget()
      }
    },
  }
}

function hasDeadLetters({ consumers, projections, queues }: MessagesStatus): boolean {
  return [...consumers, ...projections].some(({ deadLetters }) => deadLetters > 0) || queues.some(({ dead }) => dead > 0)
}
