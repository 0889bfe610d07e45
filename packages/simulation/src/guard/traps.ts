import childProcess from 'node:child_process'
import crypto from 'node:crypto'
import dgram from 'node:dgram'
import dns from 'node:dns'
import fs from 'node:fs'
import fsPromises from 'node:fs/promises'
import net from 'node:net'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import workerThreads from 'node:worker_threads'

/** A property that leads out of a simulation. */
export interface Way {
  readonly target: object
  readonly key: string
  /** As a person would write it: `Date.now`, `fs.readFile`. */
  readonly name: string
}

const RANDOM = ['getRandomValues', 'randomUUID', 'randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'pseudoRandomBytes']
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate']
// What only tells, or changes no state outside: a module that is loaded late still comes in through these.
const HARMLESS_FILES: ReadonlySet<string> = new Set(['Stats', 'Dirent', 'Dir', 'existsSync', 'statSync', 'realpathSync', 'lstatSync'])

/** Every way out that is a function of an object. Files, sockets and processes; time and randomness. */
export function waysOut(): readonly Way[] {
  return [
    ...ways(globalThis, '', [...TIMERS, 'fetch']),
    ...ways(Math, 'Math.', ['random']),
    ...ways(performance, 'performance.', ['now']),
    ...ways(AbortSignal, 'AbortSignal.', ['timeout']),
    ...ways(globalThis.crypto, 'crypto.', ['getRandomValues', 'randomUUID']),
    ...ways(crypto, 'crypto.', RANDOM),
    ...ways(timers, 'timers.', TIMERS),
    ...ways(timersPromises, 'timers/promises.', TIMERS),
    ...ways(process, 'process.', ['hrtime', 'kill', 'abort', 'exit']),
    ...ways(net.Socket.prototype, 'net.Socket.', ['connect']),
    ...ways(net.Server.prototype, 'net.Server.', ['listen']),
    ...ways(dgram.Socket.prototype, 'dgram.Socket.', ['bind', 'send']),
    ...ways(dns, 'dns.', ['lookup', 'resolve']),
    ...ways(childProcess, 'child_process.', functionsOf(childProcess)),
    ...ways(workerThreads, 'worker_threads.', ['Worker']),
    ...ways(fs, 'fs.', functionsOf(fs)),
    ...ways(fsPromises, 'fs/promises.', functionsOf(fsPromises)),
  ]
}

function functionsOf(module: object): readonly string[] {
  return Object.keys(module).filter(
    (key) => /^[a-z]/.test(key) && !HARMLESS_FILES.has(key) && typeof Reflect.get(module, key) === 'function',
  )
}

function ways(target: object, prefix: string, keys: readonly string[]): readonly Way[] {
  return keys
    .filter((key) => typeof Reflect.get(target, key) === 'function' && Object.getOwnPropertyDescriptor(target, key)?.configurable !== false)
    .map((key) => ({ target, key, name: prefix + key }))
}
