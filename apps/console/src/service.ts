import { defineService } from 'seaworthy/system'

/** The console as a part of a system. */
export const service = defineService({
  name: 'console',
  role: 'console',
  context: 'platform',
  purpose: 'Receives the traces of every process and shows what runs.',
  owns: ['console'],
  publishes: [],
  consumes: [],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
