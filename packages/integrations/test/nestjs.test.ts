import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { Body, Controller, Get, Inject, Module, Post, StreamableFile, UseInterceptors } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { guarded, guardedBy, policies, PolicyRegistry, ProblemDetailsFilter } from '@seaworthy/integrations/nestjs'
import { ConfigurationError } from 'seaworthy/core'
import { type Application, describeWayIn, type Serve } from './way-in.ts'

/** Decorators, as functions: what `@Get('value')` before a method does. */
function route(controller: { readonly prototype: object }, method: string, ...decorators: readonly MethodDecorator[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, method)!
  for (const decorate of decorators) decorate(controller.prototype, method, descriptor)
}

const serve: Serve = async (t, guard, application) => {
  class Routes implements Application {
    async value() {
      return JSON.stringify(await application.value())
    }
    echo(body: unknown) {
      return application.echo(body)
    }
    stream() {
      const file = new StreamableFile(Readable.from(application.stream()).map((chunk) => Buffer.from(chunk as string)))
      file.setErrorLogger(() => {})
      return file as unknown as AsyncIterable<string>
    }
  }
  route(Routes, 'value', Get('value'))
  route(Routes, 'echo', Post('echo'))
  route(Routes, 'stream', Get('stream'))
  Body()(Routes.prototype, 'echo', 0)
  Controller()(Routes)
  class App {
    readonly routes = Routes
  }
  Module({ controllers: [Routes] })(App)
  const app = await NestFactory.create(App, { logger: false, forceCloseConnections: true })
  app.useGlobalInterceptors(guarded(guard))
  app.useGlobalFilters(new ProblemDetailsFilter())
  await app.listen(0, '127.0.0.1')
  t.after(() => app.close())
  return app.getUrl()
}

describeWayIn('NestJS', serve)

test('NestJS: the registry is injected everywhere, and its policies guard handlers by name', async (t) => {
  class Orders {
    readonly #policies: PolicyRegistry
    constructor(registry: PolicyRegistry) {
      this.#policies = registry
    }
    fail() {
      throw new Error('a defect')
    }
    place() {
      return this.#policies.of('stock').run(() => Promise.resolve('placed'))
    }
  }
  Inject(PolicyRegistry)(Orders, undefined, 0)
  Controller('orders')(Orders)
  route(Orders, 'fail', Get())
  route(Orders, 'place', Post(), UseInterceptors(guardedBy('orders')))
  class App {
    readonly orders = Orders
  }
  Module({
    controllers: [Orders],
    imports: [policies({ stock: { timeout: { attemptMs: 5_000 } }, orders: { bulkhead: { concurrencyMax: 2 } } })],
  })(App)
  const app = await NestFactory.create(App, { logger: false, forceCloseConnections: true })
  app.useGlobalFilters(new ProblemDetailsFilter())
  await app.listen(0, '127.0.0.1')
  t.after(() => app.close())
  const response = await fetch(`${await app.getUrl()}/orders`, { method: 'POST' })
  assert.equal(await response.text(), 'placed')
  const defect = await fetch(`${await app.getUrl()}/orders`)
  assert.deepEqual(await defect.json(), { statusCode: 500, message: 'Internal server error' }, "an error that is not ours is Nest's")
  const registry = app.get(PolicyRegistry)
  assert.deepEqual(
    registry.snapshot().map(({ name, calls }) => ({ name, calls })),
    [
      { name: 'stock', calls: 1 },
      { name: 'orders', calls: 1 },
    ],
  )
  assert.throws(
    () => registry.of('mail'),
    (error) => error instanceof ConfigurationError && /stock, orders/.test(error.message),
  )
})
