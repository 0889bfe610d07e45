import type { Metric, Suite, Target } from '../../harness/suite.ts'

const module = new URL('reservation.ts', import.meta.url).href

const cpu = (name: string, size: string, target: Target): Metric => ({
  name,
  unit: 'ns of CPU per call',
  better: 'lower',
  peer: 'the same call as JSON over REST',
  target,
  rounds: 7,
  note: 'Client and server together, in one process, 16 calls at a time over kept connections; both check every field.',
  contenders: { ours: { module, name: `grpc${size}` }, peer: { module, name: `rest${size}` } },
})

const bytes = (name: string, size: string, target: Target): Metric => ({
  name,
  unit: 'bytes per call, both ways',
  better: 'lower',
  peer: 'the same call as JSON over REST',
  target,
  note: 'Over a connection that is in use already: HTTP/2 compresses the fields that come again.',
  rounds: 3,
  contenders: { ours: { module, name: `grpc${size}Bytes` }, peer: { module, name: `rest${size}Bytes` } },
})

/** gRPC beside REST: what a team decides between for calls inside the system. Measures, and promises little: a target is what the playbook says ("fast"). */
export const suite: Suite = {
  name: 'wires',
  metrics: [
    cpu('small-cpu', 'Small', { ratioMax: 1 }),
    cpu('large-cpu', 'Large', { ratioMax: 1 }),
    bytes('small-bytes', 'Small', { ratioMax: 1 }),
    bytes('large-bytes', 'Large', { ratioMax: 1 }),
  ],
}
