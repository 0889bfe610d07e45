import { installProxies, startProxy } from '../../../../test/servers/proxies.ts'
import type { Contender, Effort } from '../../../harness/suite.ts'
import { startGateway } from '../gateway-process.ts'
import { drive, getOf } from '../load.ts'
import { startOrigin } from '../origin.ts'
import { cpuNsOf } from '../process-tree.ts'
import { fullNginx, gatewayFile, targets } from './configuration.ts'

const USERS = 1_000
const messages = Array.from({ length: USERS }, (_, user) => getOf(targets[(user * 7) % targets.length]!, `X-User: user-${user}\r\n`))

const cpu =
  (start: (upstreamPort: number) => Promise<{ readonly port: number; readonly pid: number }>): Contender =>
  async ({ quick }: Effort) => {
    await installProxies()
    const { port, pid } = await start((await startOrigin()).port)
    const load = { port, messages, concurrency: 32 }
    const requests = quick ? 1_000 : 20_000
    await drive({ ...load, requests: quick ? 1_000 : 10_000 })
    return async () => {
      const before = cpuNsOf(pid)
      await drive({ ...load, requests })
      return (cpuNsOf(pid) - before) / requests / 1_000
    }
  }

export const oursFull: Contender = cpu((upstreamPort) => startGateway(gatewayFile(upstreamPort)))

export const nginxFull: Contender = cpu(async (upstreamPort) => {
  const { ports, pid } = await startProxy(fullNginx, [upstreamPort])
  return { port: ports[0]!, pid }
})
