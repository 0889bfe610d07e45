import { consoleIngest, bareInsert } from './suites/observability/ingest.ts'
const which = process.argv[2]
const rounds = Number(process.argv[3] ?? 3)
const run = await (which === 'bare' ? bareInsert : consoleIngest)({ quick: false } as never)
const out: number[] = []
for (let i = 0; i < rounds; i++) out.push(Math.round(await (run as () => Promise<number>)()))
console.log(which, out.join(' '))
