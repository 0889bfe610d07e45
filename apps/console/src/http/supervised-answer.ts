import type { FastifyReply } from 'fastify'
import { SeaworthyError } from 'seaworthy/core'
import { sendProblem } from './problem.ts'

/** What comes from a process or its supervisor, by the code of the error. */
const STATUS_OF: Readonly<Record<string, number>> = {
  'not-found': 404,
  configuration: 404,
  'invalid-input': 400,
  rejected: 409,
  conflict: 409,
  'limit-exceeded': 409,
  'saga-stranded': 409,
  unavailable: 503,
  'not-running': 503,
  'unknown-outcome': 502,
  'supervisor-silent': 504,
}

/** Sends what a process or its supervisor says, or why it does not. */
export async function sendAnswer(reply: FastifyReply, ask: () => Promise<object>): Promise<FastifyReply> {
  try {
    return await reply.header('cache-control', 'no-store').send(await ask())
  } catch (error) {
    const status = error instanceof SeaworthyError ? STATUS_OF[error.code] : undefined
    if (status === undefined) throw error
    return sendProblem(reply, status, (error as Error).message)
  }
}
