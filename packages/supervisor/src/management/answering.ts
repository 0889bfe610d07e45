import { SeaworthyError, executedOf } from 'seaworthy/core'

/** Answers one question. What it throws is told to whoever asked. */
export type Answer = (parameters: Readonly<Record<string, unknown>>, by: string | undefined) => Promise<unknown>

/** The end of the channel to the supervisor: this process's own. */
export interface SupervisorChannel {
  on(event: 'message', listener: (message: unknown) => void): unknown
  off(event: 'message', listener: (message: unknown) => void): unknown
  send?: ((message: object) => unknown) | undefined
}

/** What travels over the channel: the announcement of what can be asked, a question, its answer. */
export type Announcement = { readonly type: 'answers'; readonly questions: readonly string[] }
export interface Asked {
  readonly type: 'ask'
  readonly id: string
  readonly question: string
  readonly parameters: Readonly<Record<string, unknown>>
  /** Who asks, for the audit. */
  readonly by?: string
}
export type Answered = { readonly type: 'answer'; readonly id: string } & (
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string; readonly executed: 'no' | 'maybe' | 'yes' } }
)

/**
 * Answers what the supervisor asks this process, over the channel between the two: no port is opened for it, and nobody else can ask. A process
 * without a supervisor is asked nothing.
 * @returns a function that ends it
 */
export function answerSupervisor(answers: Readonly<Record<string, Answer>>, channel: SupervisorChannel = process): () => void {
  if (channel.send === undefined) return () => undefined
  const send = (message: Announcement | Answered) => channel.send?.(message)
  const onMessage = (message: unknown) => {
    if (!isAsked(message)) return
    const answer = Object.hasOwn(answers, message.question) ? answers[message.question] : undefined
    if (answer === undefined) return
    // In a promise from its first line: what an answer throws before it waits would end the process.
    const answering = async () => answer(message.parameters, message.by)
    answering().then(
      (result) => send({ type: 'answer', id: message.id, ok: true, result }),
      (error: unknown) => send({ type: 'answer', id: message.id, ok: false, error: fieldsOf(error) }),
    )
  }
  channel.on('message', onMessage)
  send({ type: 'answers', questions: Object.keys(answers) })
  return () => channel.off('message', onMessage)
}

function fieldsOf(error: unknown) {
  return {
    code: error instanceof SeaworthyError ? error.code : 'internal',
    message: error instanceof Error ? error.message : String(error),
    executed: executedOf(error),
  }
}

function isAsked(message: unknown): message is Asked {
  const { type, id, question, parameters } = (typeof message === 'object' && message !== null ? message : {}) as Partial<Asked>
  return type === 'ask' && typeof id === 'string' && typeof question === 'string' && typeof parameters === 'object' && parameters !== null
}
