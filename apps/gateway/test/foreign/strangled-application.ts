import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { GatewayStatus } from '../../src/strangler/status.ts'
import { type GatewayProcess, gatewayProcess, write } from '../strangler/gateway-process.ts'
import { temporaryFolder } from '../strangler/rig.ts'
import { assertSame, type SuiteResults } from './suite-results.ts'

/** An application that runs twice on one state: once as the monolith, once as the service that takes its place. */
interface StrangledApplication {
  readonly monolithPort: number
  readonly servicePort: number
  /** Its own suite, against whatever listens there. */
  readonly suite: (port: number) => Promise<SuiteResults>
  readonly testsMin: number
  /** A header that the suite sends with requests, by which a test stays on one side. */
  readonly stickyHeader?: string
}

type Counts = Readonly<Record<'from' | 'to', number>>

const BY = { who: 'ada', why: 'the suite of a foreign application' }

/**
 * Moves the application through a gateway in a process of its own, and runs the application's suite at each share: every test must have the result that
 * it has where no gateway is, and the sides must have had the requests that the share says.
 */
export async function assertKeepsItsPasses(t: TestContext, application: StrangledApplication): Promise<void> {
  const { monolithPort, servicePort, suite, testsMin, stickyHeader } = application
  const direct = await suite(monolithPort)
  assert.ok(direct.size >= testsMin, `the suite has ${direct.size} tests, fewer than ${testsMin}`)
  // Else the two would be no monolith and its replacement, or the suite none that can be repeated.
  assertSame(await suite(servicePort), direct, 'asked directly, the service instead of the monolith')

  const path = join(temporaryFolder(t), 'gateway.json')
  const configure = (moving: object) => write(path, fileBetween(application, moving))
  configure({})
  const gateway = await gatewayProcess(t, path)
  const through = async (when: string): Promise<Counts> => {
    const before = await countsOf(gateway)
    assertSame(await suite(gateway.port), direct, when)
    const counts = difference(await countsOf(gateway), before)
    t.diagnostic(`${when}: ${direct.size} tests as directly; ${counts.from} requests to the monolith, ${counts.to} to the service`)
    return counts
  }

  const at0 = await through('at 0 %')
  assert.ok(at0.from >= direct.size / 2 && at0.to === 0, 'at 0 % the monolith has all')
  await shift(gateway, 50)
  assertBoth(await through('at 50 %, split by request'), at0.from)
  if (stickyHeader !== undefined) {
    configure({ stickyBy: { header: stickyHeader } })
    await told(gateway, '/reload')
    assertBoth(await through(`at 50 %, split by ${stickyHeader}`), at0.from)
    configure({})
    await told(gateway, '/reload')
  }
  await shift(gateway, 100)
  const at100 = await through('at 100 %')
  assert.ok(at100.from === 0 && at100.to >= at0.from / 2, 'at 100 % the service has all')
  await told(gateway, '/rollback', { route: 'all', ...BY })
  assert.equal((await through('after the rollback')).to, 0)

  const atStart = await countsOf(gateway)
  const over = new AbortController()
  const passed = async (share: number) => {
    const wanted = at0.from * share
    while (sum(difference(await countsOf(gateway), atStart)) < wanted && !over.signal.aborted) await delay(5)
  }
  const movedMeanwhile = (async () => {
    await passed(0.25)
    await shift(gateway, 100)
    await passed(0.5)
    await told(gateway, '/rollback', { route: 'all', ...BY })
    await passed(0.75)
    await shift(gateway, 50)
  })()
  const run = through('shifted, rolled back and shifted again in the middle of the run').finally(() => over.abort())
  const [meanwhile] = await Promise.all([run, movedMeanwhile])
  assertBoth(meanwhile, at0.from)
  gateway.child.kill('SIGTERM')
  assert.equal(await gateway.exited, 0)
}

/** Neither side had less than an eighth of the requests: with half of each, chance does not do that to hundreds. */
function assertBoth(counts: Counts, requests: number): void {
  assert.ok(Math.min(counts.from, counts.to) > requests / 8, `${JSON.stringify(counts)} of ${requests} is no split`)
}

function fileBetween({ monolithPort, servicePort }: StrangledApplication, moving: object): string {
  const upstream = (port: number) => ({ urls: [`http://127.0.0.1:${port}`], preserveHost: true })
  return JSON.stringify({
    listen: { port: 0 },
    admin: { port: 0, tokenFile: 'token' },
    ledger: 'ledger',
    upstreams: { monolith: upstream(monolithPort), service: upstream(servicePort) },
    // Foreign suites ask for errors too: they are no reason to go back.
    routes: [{ id: 'all', match: { path: '/*' }, from: 'monolith', to: 'service', guard: false, ...moving }],
  })
}

async function told(gateway: GatewayProcess, path: string, body?: object): Promise<void> {
  const { status, body: answer } = await gateway.admin('POST', path, body)
  assert.equal(status, 200, answer)
}

const shift = (gateway: GatewayProcess, percent: number) => told(gateway, '/shift', { route: 'all', percent, ...BY })

async function countsOf(gateway: GatewayProcess): Promise<Counts> {
  const { body } = await gateway.admin('GET', '/status')
  return (JSON.parse(body) as GatewayStatus).routes[0]!.counts?.requests ?? { from: 0, to: 0 }
}

const difference = (one: Counts, other: Counts): Counts => ({ from: one.from - other.from, to: one.to - other.to })
const sum = ({ from, to }: Counts): number => from + to
