import { getHeapStatistics } from 'node:v8'
import { subjects } from './subjects.ts'

/** A subject as a process of its own: `subject-process.ts NAME UPSTREAM_PORT`. Tells its port, and, when it is asked, what it keeps in memory after a collection. */
export type SubjectMessage = { readonly port: number } | { readonly usedBytes: number }

const [name = '', upstreamPort] = process.argv.slice(2)
const subject = subjects.find((each) => each.name === name)
if (subject === undefined) throw new Error(`There is no proxy ${name}.`)
const send = (message: SubjectMessage) => process.send?.(message)

process.on('disconnect', () => process.exit())
const { ports } = await subject.start([Number(upstreamPort)])
process.on('message', () => {
  globalThis.gc?.()
  globalThis.gc?.()
  send({ usedBytes: getHeapStatistics().used_heap_size + process.memoryUsage().external })
})
send({ port: ports[0]! })
