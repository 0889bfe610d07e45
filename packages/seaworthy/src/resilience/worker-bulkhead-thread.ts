import { parentPort, workerData } from 'node:worker_threads'
import type { TaskAnswer, TaskRequest } from './worker-bulkhead.ts'

const { module } = workerData as { readonly module: string }

type Task = (input: unknown) => unknown

/** The task, or why there is none: that is told with the answer to whoever asks for it. */
const loaded: Promise<Task | string> = import(module).then(
  (exported: { readonly default?: unknown }) =>
    typeof exported.default === 'function' ? (exported.default as Task) : 'it has no function as its default export',
  (error: unknown) => (error instanceof Error ? error.message : String(error)),
)

async function answerTo({ id, input }: TaskRequest): Promise<TaskAnswer> {
  const task = await loaded
  if (typeof task === 'string') return { id, unusable: task }
  try {
    return { id, value: await task(input) }
  } catch (error) {
    return { id, error }
  }
}

function post(answer: TaskAnswer): void {
  try {
    parentPort?.postMessage(answer, [])
  } catch (cause) {
    const what = 'value' in answer ? 'answered' : 'threw'
    const error = new TypeError(`What the task ${what} cannot be sent to its caller: ${(cause as Error).message}`)
    parentPort?.postMessage({ id: answer.id, error }, [])
  }
}

parentPort?.on('message', (request: TaskRequest) => {
  void answerTo(request).then(post)
})
