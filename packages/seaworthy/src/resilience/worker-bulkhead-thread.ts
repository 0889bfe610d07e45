import { parentPort, workerData } from 'node:worker_threads'
import type { TaskAnswer } from './worker-bulkhead.ts'

const { module } = workerData as { readonly module: string }
const task = import(module) as Promise<{ readonly default: (input: unknown) => unknown }>

async function answerTo(input: unknown): Promise<TaskAnswer> {
  try {
    return { value: await (await task).default(input) }
  } catch (error) {
    return { error }
  }
}

parentPort?.on('message', (input: unknown) => {
  void answerTo(input).then((answer) => parentPort?.postMessage(answer, []))
})
