import { verdictMetrics } from './suites/observability/verdict.ts'
const m = verdictMetrics.find((x) => x.name === 'analyse-50000-s')! as any
const b = process.cpuUsage(); const r = await m.count({ quick: true }); const u = process.cpuUsage(b); console.log(r, 'cpu per round', (u.user + u.system) / 5e6)
