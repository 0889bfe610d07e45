import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--conditions=source']

/**
 * Starts a part of the benchmark in a process of its own, which ends with this one, and waits for the first that it tells. In a session of its own as well, as the
 * nginx beside it is: Linux shares a processor out by session first (autogroup), so that two in one would have half of what each has alone.
 * @throws when it ends before that
 */
export async function forkTelling<Told>(
  file: URL,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<{ readonly child: ChildProcess; readonly told: Told }> {
  const child = fork(file, args, { execArgv: [...NODE_FLAGS, ...flags], detached: true })
  return { child, told: await messageOf<Told>(child, file.pathname) }
}

/** Asks such a process, which answers one question at a time. */
export function askChild<Answer>(child: ChildProcess, question: object | string): Promise<Answer> {
  const answer = messageOf<Answer>(child, child.spawnargs.join(' '))
  child.send(question)
  return answer
}

async function messageOf<T>(child: ChildProcess, what: string): Promise<T> {
  const over = new AbortController()
  try {
    return await Promise.race([
      once(child, 'message', { signal: over.signal }).then(([message]) => message as T),
      once(child, 'exit', { signal: over.signal }).then(([code]) => {
        throw new Error(`${what} ended with ${code} and had not answered`)
      }),
    ])
  } finally {
    over.abort()
  }
}
