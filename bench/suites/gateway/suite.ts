import type { Metric, Suite, Target } from '../../harness/suite.ts'
import { comparisonMetrics } from './comparison/figures.ts'

const module = new URL('proxied.ts', import.meta.url).href

const cpuMetric = (name: string, peer: string, target: Target, [ours, theirs]: readonly [string, string]): Metric => ({
  name,
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
    cpuMetric('small-cpu-fastify', '@fastify/http-proxy, GET of 300 B', { ratioMax: 0.35 }, ['oursSmall', 'fastifySmall']),
    cpuMetric('small-cpu-http-proxy-3', 'http-proxy-3, GET of 300 B', { ratioMax: 0.35 }, ['oursSmall', 'httpProxy3Small']),
    cpuMetric('large-cpu-nginx', 'nginx, GET of 100 KB', { ratioMax: 1.5 }, ['oursLarge', 'nginxLarge']),
    {
      name: 'memory-slope',
      unit: 'MB kept for each million requests',
      better: 'lower',
      peer: '@fastify/http-proxy',
      target: { oursMax: 1 },
      note: 'Heap and buffers after a forced collection.',
      contenders: { ours: { module, name: 'oursMemory' }, peer: { module, name: 'fastifyMemory' } },
    },
    ...comparisonMetrics,
  ],
}
