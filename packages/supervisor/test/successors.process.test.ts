import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService, defineSystem } from 'seaworthy/system'
import { fakeSystem } from './fixtures/system.ts'
import { journal, processOf, startFake, until } from './observing.ts'

/** The fake system, in which `young` can take over from alpha. */
function systemWithSuccessor() {
  const fake = fakeSystem()
  const young = defineService({ ...fake.service('beta'), name: 'young', calls: [] })
  return defineSystem({
    ...fake,
    services: [...fake.services.map((service) => (service.name === 'beta' ? { ...service, calls: ['alpha', 'young'] } : service)), young],
    routes: [{ id: 'alpha', path: '/alpha/*', service: 'alpha', to: 'young' }],
    standIns: { young: 'alpha' },
    successors: { young: 'alpha' },
  })
}

test('a successor is started when the gateway wishes for it, and then kept running like any other', async (t) => {
  const { running, dataDir, process: find } = await startFake(t, { system: systemWithSuccessor() })
  await running.untilReady()
  const names = () => running.status().processes.map(({ name }) => name)
  const front = processOf(running.status(), 'front')
  assert.deepEqual(names(), ['alpha', 'beta', 'front'])
  assert.ok(!journal(dataDir).includes('young begins'))

  const told = async (url: string) => JSON.parse(await (await fetch(`${url}/environment`)).text()) as Record<string, string>
  const gateway = await told(front.adminUrl!)
  const endpointsOf = (environment: Record<string, string>) =>
    JSON.parse(environment['SEAWORTHY_ENDPOINTS']!) as Record<string, { http: string }>
  const [alpha, beta] = [find('alpha').httpUrl, await told(find('beta').httpUrl)]
  assert.notEqual(endpointsOf(gateway)['young']!.http, alpha, 'the gateway is told where each side is')
  assert.equal(endpointsOf(beta)['young']!.http, alpha, 'others are led to the stand-in')
  assert.equal(beta['SEAWORTHY_DATA_TOKEN'], undefined)

  // Others wish in vain, and so does who wishes for what is no successor.
  await fetch(`${find('beta').httpUrl}/wish/young`)
  await fetch(`${front.adminUrl}/wish/nobody`)
  await fetch(`${front.adminUrl}/wish/young`)
  await until(() => names().includes('young') && find('young').state === 'ready', 'the successor is there')
  assert.equal(journal(dataDir).filter((line) => line === 'young begins').length, 1)
  const young = await told(find('young').httpUrl)
  assert.equal(young['SEAWORTHY_PREDECESSOR_URL'], alpha)
  const tokens = new Set([young, gateway, await told(alpha)].map((environment) => environment['SEAWORTHY_DATA_TOKEN']))
  assert.equal(tokens.size, 1)
  assert.match([...tokens][0]!, /^\S{16,}$/)

  await fetch(`${find('young').httpUrl}/crash`).catch(() => undefined)
  await until(() => find('young').restarts === 1 && find('young').state === 'ready', 'it is there again')
  const seen = journal(dataDir).length
  await running.restart('young')
  assert.deepEqual(journal(dataDir)[seen], 'front hold:young', 'the gateway holds what it gets')
})
