import { getHeapStatistics } from 'node:v8'
import { growYoungGenerationAtOnce } from '@seaworthy/http-proxy'
import { subjects } from './subjects.ts'

/** A subject as a process of its own: `subject-process.ts NAME UPSTREAM_PORT`. Tells its port, and, when it is asked, what it keeps in memory after a collection. */
type SubjectMessage = { readonly port: number } | MemoryUse

/** What a process keeps, in bytes. */
export interface MemoryUse {
  /** Objects and buffers that are reachable. */
  readonly usedBytes: number
  /** What the kernel counts for it, what is free within it included. */
  readonly residentBytes: number
}

const [name = '', upstreamPort] = process.argv.slice(2)
const subject = subjects.find((each) => each.name === name)
if (subject === undefined) throw new Error(`There is no proxy ${name}.`)
const send = (message: SubjectMessage) => process.send?.(message)

process.on('disconnect', () => process.exit())
// As the gateway does it; for every subject, so that none is ahead by a flag of V8.
growYoungGenerationAtOnce()
const { ports } = await subject.start([Number(upstreamPort)])
process.on('message', () => {
  globalThis.gc?.()
  globalThis.gc?.()
  const { external, rss } = process.memoryUsage()
  send({ usedBytes: getHeapStatistics().used_heap_size + external, residentBytes: rss })
})
send({ port: ports[0]! })
