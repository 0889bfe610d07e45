import { parentPort, workerData } from 'node:worker_threads'
import { fuzz, type InputRange } from './fuzz.ts'
import type { FromFuzzThread } from './fuzz-threads.ts'

/** One of several threads that try inputs, each with proxies of its own. */
const { upstreamPort, ...range } = workerData as InputRange & { readonly upstreamPort: number }
const tell = (message: FromFuzzThread) => parentPort!.postMessage(message, [])
const result = await fuzz({
  ...range,
  upstream: { port: upstreamPort },
  onProgress: (inputs) => tell({ type: 'progress', inputs }),
  onFinding: (finding) => tell({ type: 'finding', finding }),
})
tell({ type: 'result', result })
