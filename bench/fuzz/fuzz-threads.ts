import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Finding, FuzzOptions, FuzzResult } from './fuzz.ts'

/** What a thread tells. */
export type FromFuzzThread =
  /** So many are done. */
  | { readonly type: 'progress'; readonly inputs: number }
  | { readonly type: 'finding'; readonly finding: Finding }
  | { readonly type: 'result'; readonly result: FuzzResult }

/** Tries inputs on several threads, which take them in turn. What is found does not depend on how many there are. */
export async function fuzzOnThreads({ upstream, onProgress, onFinding, ...range }: FuzzOptions, threads: number): Promise<FuzzResult> {
  const done = Array.from({ length: threads }, () => 0)
  const results = await Promise.all(
    done.map(async (_, thread) => {
      const inputs = Math.max(0, range.inputs - thread)
      const workerData = { ...range, from: range.from + thread, inputs, every: threads, upstreamPort: upstream.port }
      const worker = new Worker(new URL('./fuzz-thread.ts', import.meta.url), { workerData })
      let result: FuzzResult | undefined
      worker.on('message', (message: FromFuzzThread) => {
        if (message.type === 'result') result = message.result
        else if (message.type === 'finding') onFinding?.(message.finding)
        else {
          done[thread] = message.inputs
          onProgress?.(done.reduce((sum, each) => sum + each, 0))
        }
      })
      await once(worker, 'exit')
      if (result === undefined) throw new Error('A thread ended before its inputs did.')
      return result
    }),
  )
  return {
    findings: results.flatMap(({ findings }) => findings),
    forwarded: results.reduce((sum, { forwarded }) => sum + forwarded, 0),
    refused: results.reduce((sum, { refused }) => sum + refused, 0),
    passing: results.reduce((sum, { passing }) => sum + passing, 0),
  }
}
