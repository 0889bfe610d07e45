import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLogger } from '@seaworthy/telemetry/logger'
import { lifecycle } from 'seaworthy/system'
import { build } from 'vite'
import { startConsole } from '../src/console.ts'
import { CHOREOGRAPHY } from './choreography-fixture.ts'
import { fakeGateways, halfWay } from './gateways-fixture.ts'
import { fakeMessages, troubledServices } from './messages-fixture.ts'
import { fakeResilience, strainedServices } from './resilience-fixture.ts'
import { fakeSagas, mixedSagas } from './sagas-fixture.ts'
import { freePort } from './started-console.ts'

export const CHROMIUM = process.env['SEAWORTHY_CHROMIUM'] ?? '/usr/bin/chromium'
const WEB = fileURLToPath(new URL('../web', import.meta.url))
const resilience = fakeResilience(strainedServices())

/** What the console that is looked at knows. */
export const given = {
  messages: fakeMessages(troubledServices()),
  sagas: fakeSagas(mixedSagas()),
  gateways: fakeGateways([halfWay()]),
  /** Faults that were ordered. */
  ordered: resilience.ordered,
  labsDir: '',
}

/** A console whose pages are looked at: built from these sources, beside a system that is made up. */
export async function startLookedAt(): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'console-pages-'))
  // Built here, so that the test is about these sources and not about what was built some time ago.
  const pageFolder = join(folder, 'web')
  await build({ root: WEB, configFile: join(WEB, 'vite.config.ts'), logLevel: 'warn', build: { outDir: pageFolder } })
  const runFile = join(folder, 'run.json')
  given.labsDir = join(folder, 'labs')
  writeFileSync(
    runFile,
    JSON.stringify({
      system: 'shop',
      startedAt: new Date().toISOString(),
      processes: [processEntry('gateway', 'ready'), processEntry('payments', 'backing-off')],
      choreography: CHOREOGRAPHY,
    }),
  )
  const consolePort = await freePort()
  const life = lifecycle()
  const config = {
    service: 'console',
    instance: 'console-1',
    databasePath: join(folder, 'traces.sqlite'),
    consolePort,
    httpPort: consolePort,
    grpcPort: undefined,
    address: '127.0.0.1',
    token: undefined,
    runFile,
    gatewayFiles: new Map(),
    logLevel: 'silent',
    hostNames: [],
    tracesMax: 1_000,
    bytesMax: 1 << 30,
    ageMaxMs: 3_600_000,
    keptAgeMaxMs: 3_600_000,
    logsPath: join(folder, 'logs.sqlite'),
    logBytesMax: 1 << 26,
    logAgeMaxMs: 3_600_000,
  } as const
  await startConsole(config, {
    logger: createLogger({ service: 'console', instance: 'console-1', level: 'silent' }),
    life,
    pageFolder,
    told: {
      messages: {
        all: () => given.messages.messages.all(),
        deadLetter: (...of) => given.messages.messages.deadLetter(...of),
        requeue: (...of) => given.messages.messages.requeue(...of),
      },
      resilience: resilience.resilience,
      sagas: {
        list: (filter) => given.sagas.sagas.list(filter),
        saga: (...of) => given.sagas.sagas.saga(...of),
        change: (...of) => given.sagas.sagas.change(...of),
      },
      gateways: {
        all: () => given.gateways.gateways.all(),
        shift: (...of) => given.gateways.gateways.shift(...of),
        rollBack: (...of) => given.gateways.gateways.rollBack(...of),
      },
    },
  })
  life.ready()
  return {
    url: `http://127.0.0.1:${consolePort}`,
    async stop() {
      await life.stop('nobody looks any more')
      rmSync(folder, { recursive: true })
    },
  }
}

function processEntry(name: string, state: string): object {
  return {
    name,
    role: name === 'gateway' ? 'gateway' : 'service',
    context: 'test',
    purpose: `What ${name} is for`,
    instance: `${name}-1`,
    pid: state === 'ready' ? 4_000 : null,
    state,
    restarts: state === 'ready' ? 0 : 4,
    lastExit: state === 'ready' ? null : 'signal SIGKILL',
    startedAt: new Date().toISOString(),
    httpUrl: 'http://127.0.0.1:1',
    grpcAddress: null,
  }
}
