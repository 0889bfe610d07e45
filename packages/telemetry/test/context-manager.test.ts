import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { type Context, ROOT_CONTEXT, createContextKey } from '@opentelemetry/api'
import { StorageContextManager } from '../src/context-manager.ts'

const KEY = createContextKey('test')
const valued = (value: string): Context => ROOT_CONTEXT.setValue(KEY, value)
const manager = () => new StorageContextManager(new AsyncLocalStorage<Context>())

test('a bound function runs in its context and keeps its receiver and its length', () => {
  const contexts = manager()
  const bound = contexts.bind(valued('a'), function (this: { own: number }, first: number) {
    return [contexts.active().getValue(KEY), this.own, first]
  })
  assert.equal(bound.length, 1)
  assert.deepEqual(bound.call({ own: 1 }, 2), ['a', 1, 2])
  assert.equal(contexts.active(), ROOT_CONTEXT)
})

test('listeners of a bound emitter run in its context and can be removed', () => {
  const contexts = manager()
  const emitter = contexts.bind(valued('a'), new EventEmitter())
  const heard: unknown[] = []
  const listen = () => heard.push(contexts.active().getValue(KEY))
  emitter.on('x', listen)
  emitter.once('x', listen)
  emitter.prependOnceListener('x', listen)
  contexts.with(valued('emitter'), () => emitter.emit('x'))
  assert.deepEqual(heard, ['a', 'a', 'a'])
  emitter.emit('x')
  assert.equal(heard.length, 4)
  emitter.off('x', listen)
  emitter.once('x', listen)
  emitter.off('x', listen)
  assert.equal(emitter.listenerCount('x'), 0)
})

test('an emitter that is bound again uses its last context, and once stays once', () => {
  const contexts = manager()
  const emitter = contexts.bind(valued('first'), new EventEmitter())
  contexts.bind(valued('second'), emitter)
  const heard: unknown[] = []
  emitter.once('x', () => heard.push(contexts.active().getValue(KEY)))
  emitter.emit('x')
  emitter.emit('x')
  assert.deepEqual(heard, ['second'])
})
