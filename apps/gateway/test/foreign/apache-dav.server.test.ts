import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { davFolder, installApache, startApacheDav } from '../../../../test/servers/apache.ts'
import { runLitmus } from './litmus.ts'
import { assertKeepsItsPasses } from './strangled-application.ts'

test('Apache httpd with WebDAV passes of litmus, at every share and after a rollback, what it passes without a gateway', async (t) => {
  installApache()
  // Two instances on one folder: documents, their properties and the locks.
  const folder = davFolder()
  const [monolith, service] = await Promise.all([startApacheDav(folder), startApacheDav(folder)])
  t.after(async () => {
    await Promise.all([monolith.stop(), service.stop()])
    rmSync(folder.path, { recursive: true, force: true })
  })
  await assertKeepsItsPasses(t, {
    monolithPort: monolith.port,
    servicePort: service.port,
    suite: runLitmus,
    testsMin: 100,
    stickyHeader: 'x-litmus',
  })
})
