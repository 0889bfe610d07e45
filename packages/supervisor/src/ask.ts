import { type Clock, SeaworthyError, UnknownOutcomeError, newId } from 'seaworthy/core'
import type { Child } from './child.ts'
import type { Answered, Asked } from './management/answering.ts'

/** A question to a process, as it came over the control socket. */
export interface AskedOfService {
  readonly service: string
  readonly question: string
  readonly parameters: Readonly<Record<string, unknown>>
  /** Who asks: told by whoever asks, and written to the audit. */
  readonly by?: string | undefined
}

/**
 * Asks a process over its channel. @throws what it answered, as a SeaworthyError with its code; UnknownOutcomeError when it ended, or did not answer in time
 */
export function ask(child: Child, asked: AskedOfService, options: { readonly timeoutMs: number; readonly clock: Clock }): Promise<unknown> {
  const { service, question, parameters, by } = asked
  const id = newId()
  return new Promise((resolve, reject) => {
    const settle = (how: () => void) => {
      timer.cancel()
      ignore()
      how()
    }
    const lost = (why: string) => () =>
      reject(new UnknownOutcomeError(`${service} ${why} after it was asked: ${question}. Look at its log.`))
    const timer = options.clock.timer(options.timeoutMs, () => settle(lost(`did not answer within ${options.timeoutMs} ms`)))
    const ignore = child.onMessage((message) => {
      if (!isAnswered(message) || message.id !== id) return
      settle(() => (message.ok ? resolve(message.result) : reject(errorOf(message.error))))
    })
    void child.ended.then(() => settle(lost('ended')))
    child.send({ type: 'ask', id, question, parameters, ...(by !== undefined && { by }) } satisfies Asked)
  })
}

function errorOf({ code, message, executed }: Extract<Answered, { ok: false }>['error']): SeaworthyError {
  return new SeaworthyError(code, message, { executed })
}

function isAnswered(message: unknown): message is Answered {
  const { type, id } = (typeof message === 'object' && message !== null ? message : {}) as Partial<Answered>
  return type === 'answer' && typeof id === 'string'
}
