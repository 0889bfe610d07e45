import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '@seaworthy/cli'
import { findLabs } from '../src/commands/lab.ts'
import { findApp } from '../src/find-app.ts'

async function say(...args: string[]) {
  const printed: string[] = []
  const errors: string[] = []
  const code = await run(args, { env: {}, print: (text) => void printed.push(text), printError: (text) => void errors.push(text) })
  return { code, printed: printed.join('\n'), errors: errors.join('\n') }
}

const oneStage = fileURLToPath(new URL('../../supervisor/test/fixtures/system.ts', import.meta.url))
const mistakes: readonly (readonly [args: string, message: RegExp])[] = [
  ['strat', /There is no command strat\. Did you mean start\?/],
  ['xyzzy', /There is no command xyzzy\.\n/],
  ['help strat', /Did you mean start\?/],
  ['start', /needs SYSTEM_FILE/],
  ['start a b', /does not know what to do with "b"/],
  ['start a --gatway-port 1', /no option --gatway-port\. Did you mean --gateway-port\?/],
  ['start a --gateway-port', /--gateway-port needs a value: --gateway-port PORT/],
  ['start a --gateway-port --no-console', /--gateway-port needs a value/],
  ['start a --gateway-port=65536', /--gateway-port must be a port, 0 to 65535, but is "65536"/],
  ['start a --console-port=1e3', /--console-port must be a port/],
  ['start a --no-console=yes', /--no-console takes no value/],
  [`start ${oneStage} --stage last`, /--stage must be the number of a stage, from 0, but is "last"/],
  [`start ${oneStage} --stage 1`, /has no stages, so that --stage means nothing here/],
  ['start a --constructor', /no option --constructor/],
  ['restart', /needs SERVICE/],
  ['fault payments', /Say what it is to suffer: --latency 2s/],
  ['fault payments --latency soon', /--latency must be a time .* but is "soon"/],
  ['fault payments --latency 11m', /600 seconds at most/],
  ['fault payments --lock 2m', /--lock must be a time of 60 seconds at most/],
  ['fault payments --crash-at somewhere', /--crash-at must be a point such as event-log:append:before/],
  ['monitoring shop/system.ts --objective 100', /--objective must be a number above 0 and below 100/],
  ['monitoring shop/system.ts --console nowhere', /--console must be an address/],
  ['fault payments --errors 101%', /--errors must be a share/],
  ['dead-letters', /seaworthy dead-letters is followed by one of list, show, requeue\./],
  ['dead-letters requeu a', /Did you mean requeue\?/],
  ['dead-leters list a', /There is no command dead-leters\. Did you mean dead-letters\?/],
  ['dead-letters list', /seaworthy dead-letters list needs SERVICE/],
  ['dead-letters show a', /needs MESSAGE_ID/],
  ['dead-letters requeue a', /takes one of --key KEY, --id MESSAGE_ID and --all/],
  ['dead-letters requeue a --key k --all', /takes one of/],
  ['dead-letters requeue a --all --topic t', /--topic goes with --key/],
  ['gateway shit reviews 50', /seaworthy gateway is followed by options, or one of status, .*\. Did you mean shift\?/],
  ['lab', /needs NAME/],
  ['lab simulat', /There is no lab simulat\. Did you mean simulate\? There are: .*simulate/],
  ['lab simulate --orders 3', /The lab simulate takes no --orders/],
  ['lab dual-write --orders none', /--orders must be a whole number from 1, but is "none"/],
  ['lab dual-write --orders 0', /--orders must be a whole number from 1/],
  ['lab dual-write --seed=-1', /--seed must be a whole number from 0/],
  ['lab simulate --out', /--out needs a value: --out DIR/],
  ['conformance', /needs KIND/],
  ['conformance outbx', /There is no conformance kit for outbx\. Did you mean outbox\? There is: outbox/],
  [
    'conformance outbox --only late-comit',
    /There is no test late-comit\. Did you mean late-commit\? There are: late-commit, order-per-key/,
  ],
  ['conformance outbox --adaptor x', /no option --adaptor\. Did you mean --adapter\?/],
  ['logs a --lines many', /--lines must be a number/],
  ['logs a --lines -3', /--lines must be a number, but is "-3"/],
]

for (const [args, message] of mistakes) {
  test(`"seaworthy ${args}" is refused with exit code 2 and says why`, async () => {
    const { code, errors } = await say(...args.split(' '))
    assert.equal(code, 2)
    assert.match(errors, message)
    assert.match(errors, /seaworthy help/)
  })
}

test('help names every command, and the help of a command its options', async () => {
  const { code, printed } = await say('help')
  assert.equal(code, 0)
  for (const command of [
    'start SYSTEM_FILE',
    'status',
    'restart SERVICE',
    'fault SERVICE',
    'stop',
    'logs SERVICE',
    'dead-letters list SERVICE',
    'relay',
    'lab NAME',
    'conformance KIND',
    'help',
  ])
    assert.match(printed, new RegExp(`^  ${command}`, 'm'))
  assert.match((await say('help', 'start')).printed, /--gateway-port PORT .*8080/)
  assert.deepEqual(await say('start', '--help'), await say('help', 'start'))
  assert.deepEqual(await say('dead-letters', 'show', '--help'), await say('help', 'dead-letters', 'show'))
  const family = (await say('help', 'dead-letters')).printed
  assert.match(family, /dead-letters requeue SERVICE/)
  assert.doesNotMatch(family, /restart/)
  assert.deepEqual(await say('dead-letters', '--help'), await say('help', 'dead-letters'))
})

test('--version says which version this is', async () => {
  const { code, printed } = await say('--version')
  assert.equal(code, 0)
  assert.match(printed, /^\d+\.\d+\.\d+$/)
})

test('the word alone shows the help, and is no success', async () => {
  assert.equal((await say()).code, 2)
})

test('lab list names each lab with a line about it', async () => {
  const { code, printed } = await say('lab', 'list')
  assert.equal(code, 0)
  assert.match(printed, /^ {2}dual-write +write-then-publish loses/m)
  assert.match(printed, /^ {2}simulate +a service that writes to two places/m)
})

test('labs are found above the command, and outside of the repository it says that they are not there', () => {
  assert.match(findLabs(import.meta.dirname), /labs$/)
  assert.throws(() => findLabs('/'), /Labs are part of the repository/)
})

test('the relay of a checkout is found above the command', () => {
  assert.match(findApp('relay', import.meta.dirname), /apps.relay.src.main\.ts$/)
  assert.match(findApp('gateway', import.meta.dirname), /apps.gateway.src.main\.ts$/)
})

test('an adapter and results that are not there are named', async () => {
  for (const [args, message] of [
    ['--adapter /nowhere.ts', /no adapter \/nowhere\.ts\. Name a file, or one of seaworthy, emmett/],
    ['--beside /nowhere.json', /\/nowhere\.json holds no results/],
  ] as const) {
    const { code, errors } = await say('conformance', 'outbox', ...args.split(' '))
    assert.equal(code, 1)
    assert.match(errors, message)
  }
})

test('a port from the environment is checked like one from a flag', async () => {
  const errors: string[] = []
  const terminal = { env: { SEAWORTHY_CONSOLE_PORT: 'no' }, print: () => {}, printError: (text: string) => void errors.push(text) }
  assert.equal(await run(['start', 'a'], terminal), 2)
  assert.match(errors.join('\n'), /SEAWORTHY_CONSOLE_PORT must be a port/)
})

test('commands for a running system say that there is none', async () => {
  for (const args of [['status'], ['stop'], ['restart', 'a'], ['dead-letters', 'list', 'a'], ['dead-letters', 'requeue', 'a', '--all']]) {
    const { code, errors } = await say(...args, '--data-dir', '/nowhere')
    assert.equal(code, 1)
    assert.match(errors, /No system is running on \/nowhere/)
  }
})

test('a module that is not there, or that exports no system, is named', async () => {
  assert.match((await say('start', '/nowhere/system.ts')).errors, /no file \/nowhere\/system\.ts/)
  const { code, errors } = await say('start', import.meta.filename.replace('run.test', 'starting'))
  assert.equal(code, 1)
  assert.match(errors, /exports no system/)
})

test('a module that cannot be loaded is named, with the reason and the line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-modules-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [page, broken, throwing] = ['page.md', 'broken.mjs', 'throwing.mjs'].map((name) => join(folder, name)) as [string, string, string]
  writeFileSync(page, '# A page')
  writeFileSync(broken, 'export const = 7')
  writeFileSync(throwing, "\nthrow new Error('no database')")
  for (const [args, message] of [
    [['start', page], /page\.md cannot be loaded: TypeError: .*\.md.* exports the system/],
    [['start', folder], /cannot be loaded: Error: Directory import/],
    [['monitoring', broken], /broken\.mjs cannot be loaded: SyntaxError: Unexpected token '='\. /],
    [['events', 'graph', throwing], /throwing\.mjs cannot be loaded: Error: no database \(.*throwing\.mjs:2\)\./],
    [['saga', 'graph', '--code', throwing], /throwing\.mjs cannot be loaded: .* exports the sagas/],
  ] as const) {
    const { code, errors } = await say(...args)
    assert.equal(code, 1, args.join(' '))
    assert.match(errors, message)
  }
})

test('a mistake in the arguments leads to the help of the command that was meant', async () => {
  assert.match((await say('lab')).errors, /seaworthy help lab shows what it takes\.$/)
  assert.match((await say('dead-letters', 'show', 'a')).errors, /seaworthy help dead-letters show shows what it takes\.$/)
  assert.match((await say('strat')).errors, /seaworthy help shows what there is\.$/)
})

test('a folder that cannot be written is an error in one line', async () => {
  const { code, errors } = await say('monitoring', oneStage, '--out', '/dev/null/monitoring')
  assert.equal(code, 1)
  assert.match(errors, /^ENOTDIR: not a directory, mkdir '\/dev\/null\/monitoring/)
})
