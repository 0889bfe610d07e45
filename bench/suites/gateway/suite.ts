import type { Metric, Suite, Target } from '../../harness/suite.ts'
import { comparisonMetrics } from './comparison/figures.ts'
import { memoryMetrics } from './memory.ts'
import { latencyMetrics } from './rate/latency.ts'
import { shadowMetric } from './shadow/latency.ts'
import { shiftMetrics } from './shifts/shifts.ts'

const module = new URL('proxied.ts', import.meta.url).href
const full = new URL('full/full.ts', import.meta.url).href

/** Peers that take ten times as long are measured in fewer rounds. */
const SLOW_ROUNDS = 7

const cpuMetric = (
  name: string,
  peer: string,
  target: Target,
  [ours, theirs]: readonly [string, string],
  { rounds = 15 } = {},
): Metric => ({
  name,
  rounds,
  unit: 'µs of CPU per request',
  better: 'lower',
  peer,
  target,
  note: 'Of all processes of the proxy, by the kernel; nginx is the upstream; 32 kept connections. The same fields are added by all.',
  contenders: { ours: { module, name: ours }, peer: { module, name: theirs } },
})

export const suite: Suite = {
  name: 'gateway',
  metrics: [
    cpuMetric('small-cpu-nginx', 'nginx, GET of 300 B', { ratioMax: 2.5 }, ['oursSmall', 'nginxSmall']),
    cpuMetric('small-cpu-fastify', '@fastify/http-proxy, GET of 300 B', { ratioMax: 0.35 }, ['oursSmall', 'fastifySmall'], {
      rounds: SLOW_ROUNDS,
    }),
    cpuMetric('small-cpu-http-proxy-3', 'http-proxy-3, GET of 300 B', { ratioMax: 0.35 }, ['oursSmall', 'httpProxy3Small'], {
      rounds: SLOW_ROUNDS,
    }),
    cpuMetric('large-cpu-nginx', 'nginx, GET of 100 KB', { ratioMax: 1.5 }, ['oursLarge', 'nginxLarge']),
    {
      name: 'full-cpu-nginx',
      unit: 'µs of CPU per request',
      better: 'lower',
      peer: 'nginx with what it has of the same',
      target: { ratioMax: 3 },
      note: '200 routes, each split by user; timeouts, retries, outlier ejection, limits by client and in all; a log of every hundredth request. Ours also counts by route and side, judges routes, and has a circuit breaker and a budget for retries, which nginx has not.',
      contenders: { ours: { module: full, name: 'oursFull' }, peer: { module: full, name: 'nginxFull' } },
    },
    ...latencyMetrics,
    ...shiftMetrics,
    ...memoryMetrics,
    shadowMetric,
    ...comparisonMetrics,
  ],
}
