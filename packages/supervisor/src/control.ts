import { connect } from 'node:net'
import { resolve } from 'node:path'
import { SeaworthyError, UnavailableError } from 'seaworthy/core'
import type { ControlAnswer, ControlRequest } from './control-socket.ts'
import { dataDirectoryPaths } from './data-directory.ts'
import { NotRunningError, SupervisorSilentError } from './errors.ts'
import { onLines } from './lines.ts'
import type { QuestionName, Questions } from './management/questions.ts'
import { readRunFile } from './run-file.ts'

export interface ControlOptions {
  /** The data directory of the running system. */
  readonly dataDir: string
  readonly signal: AbortSignal
}

/**
 * Asks the supervisor that runs on a data directory. `stop` resolves when everything has ended.
 * @throws NotRunningError when there is none; SupervisorSilentError when it gave no answer before the signal's timeout; UnavailableError when this user may not ask
 * it; what the supervisor answered, as a SeaworthyError with its code
 */
export async function control(request: ControlRequest, options: ControlOptions): Promise<unknown> {
  const run = readRunFile(dataDirectoryPaths(resolve(options.dataDir)).runFile)
  if (run === undefined) throw new NotRunningError(options.dataDir)
  return await new Promise((resolve, reject) => {
    let answer: ControlAnswer | undefined
    const socket = connect(run.controlSocket)
    const abort = () => socket.destroy(options.signal.reason as Error)
    if (options.signal.aborted) abort()
    options.signal.addEventListener('abort', abort, { once: true })
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ECONNREFUSED' || cause.code === 'ENOENT') reject(new NotRunningError(options.dataDir, { cause }))
      else if (cause.code === 'EACCES' || cause.code === 'EPERM')
        reject(
          new UnavailableError(`This user may not ask what runs on ${options.dataDir}: it belongs to another one. Ask as that user.`, {
            cause,
          }),
        )
      else if (cause.name === 'TimeoutError')
        reject(new SupervisorSilentError(run.supervisorPid, { executed: request.command === 'status' ? 'no' : 'maybe', cause }))
      else reject(cause)
    })
    socket.once('close', () => {
      options.signal.removeEventListener('abort', abort)
      if (answer === undefined) reject(new NotRunningError(options.dataDir))
      else if (answer.ok) resolve(answer.result)
      else reject(new SeaworthyError(answer.error.code, answer.error.message, { executed: answer.error.executed }))
    })
    onLines(socket, (line) => {
      answer = JSON.parse(line) as ControlAnswer
      // The supervisor closes the connection of a stop when the last process has ended.
      if (request.command !== 'stop' || !answer.ok) socket.destroy()
    })
    socket.write(`${JSON.stringify(request)}\n`)
  })
}

/**
 * Asks a service of a running system about its messages, or to requeue dead letters.
 * @throws as {@link control}; UnavailableError when the service is down; NotFoundError when it has no such thing
 */
export async function askService<Name extends QuestionName>(
  asked: { readonly service: string; readonly question: Name; readonly parameters: Questions[Name]['parameters']; readonly by?: string },
  options: ControlOptions,
): Promise<Questions[Name]['answer']> {
  return (await control({ command: 'ask', ...asked, parameters: { ...asked.parameters } }, options)) as Questions[Name]['answer']
}
