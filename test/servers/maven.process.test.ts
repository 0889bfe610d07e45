import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

test('a server on Java says what to install where Java is not', () => {
  const program = `import { startKafka } from ${JSON.stringify(import.meta.resolve('./kafka.ts'))}
    await startKafka().catch((error) => console.log(error.message))`
  const { stdout } = spawnSync(process.execPath, ['--conditions=source', '--input-type=module', '-e', program], {
    env: { PATH: '/nowhere' },
    encoding: 'utf8',
  })
  assert.match(stdout, /^kafka-4\.3\.0 needs java, and it does not run here\. Debian: apt-get install openjdk-17-jre-headless maven\./)
})
