import { test } from 'node:test'
import { freePort } from '../../../../test/servers/server-process.ts'
import { installPlacement, runPlacementSuite } from './placement.ts'
import { assertKeepsItsPasses } from './strangled-application.ts'

test('OpenStack placement passes of its own HTTP tests, at every share and after a rollback, what it passes without a gateway', async (t) => {
  const python = await installPlacement()
  const instances = { monolithPort: await freePort(), servicePort: await freePort() }
  await assertKeepsItsPasses(t, { ...instances, testsMin: 120, suite: (port) => runPlacementSuite(python, port, instances) })
})
