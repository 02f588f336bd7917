/** The Varlink service over a socket: what it answers, and what it does with those who do not keep to the protocol. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/varlink/codec.ts';
import type { UpdateUnits } from '../../../src/varlink/follow-update.ts';
import { managerService } from '../../../src/varlink/manager.ts';
import { serveConnection } from '../../../src/varlink/server.ts';
import { connectionOn } from '../../../src/varlink/socket-connection.ts';
import type { UnitState } from '../../../src/varlink/unit-states.ts';
import { extensionImage } from '../../support/images.ts';
import { callMessage, type VarlinkClient, varlinkClient } from '../../support/varlink-client.ts';
import { differences, type Idl, parseIdl } from '../../support/varlink-idl.ts';
import { definition, makeWorld, programPath, type World } from '../../support/world.ts';

const MANAGER = 'io.extupdate.Manager';
const release = { ID: 'testos', VERSION_ID: '1' };
const image = (name: string, version: string, os = release) =>
  extensionImage({ name, release: os, files: { [`usr/share/${name}/version`]: version } });

describe('the Varlink service', () => {
  let world: World;
  let server: Server;
  let idl: Idl;
  /** What the next connection may start. */
  let units: UpdateUnits | undefined;
  /** How the last connection ends: with undefined when the client hung up. */
  let end: Promise<unknown>;
  let connections = 0;
  const limits = { idleMs: 10_000, readingMs: 10_000 };
  const clients: VarlinkClient[] = [];
  const path = () => join(world.root, 'run/manager');
  const client = () => {
    const one = varlinkClient(path());
    clients.push(one);
    return one;
  };
  /** The only reply to a call of the manager, after it was compared with the description. */
  const ask = async (method: string, parameters: object = {}) => {
    const replies = await client().call(`${MANAGER}.${method}`, parameters);
    expect(replies).toHaveLength(1);
    const { parameters: values, error } = replies[0] ?? { parameters: {} };
    if (error !== undefined) return { error, values };
    expect(deviations(method, values)).toEqual([]);
    return { values, error };
  };
  const deviations = (method: string, values: object) => {
    const output = idl.methods.get(method)?.output;
    return output ? differences(idl, output, values) : [`no method ${method}`];
  };

  beforeAll(async () => {
    world = await makeWorld();
    world.write('run/.keep', '');
    const define = (
      name: string,
      settings: Readonly<Record<string, string>> = {},
      url = `${world.server.url}/${name}`,
    ) =>
      world.write(
        `etc/extupdate/transfer.d/${name}.transfer`,
        definition({
          Source: { Type: 'url-file', Path: url, MatchPattern: `${name}_@v.raw` },
          Target: { Path: `/var/lib/extensions/${name}.raw.v` },
          'X-Extupdate': settings,
        }),
      );
    define('app');
    define('held', { SkipVersions: '2*' });
    await world.publish('app', { 'app_1.raw': image('app', '1') });
    await world.publish('held', { 'held_1.raw': image('held', '1'), 'held_2.raw': image('held', '2') });
    expect(await world.run(['apply'])).toMatchObject({ status: 0 });
    // Something new, something for another OS, something broken, something that is not there.
    const other = image('app', '3', { ID: 'testos', VERSION_ID: '2' });
    await world.publish('app', { 'app_1.raw': image('app', '1'), 'app_2.raw': image('app', '2'), 'app_3.raw': other });
    define('gone', {}, `${world.server.url}/nowhere`);
    world.write('etc/extupdate/transfer.d/broken.transfer', '[Source]\nType=nonsense\n');

    server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
      const connection = connectionOn(socket, limits);
      const service = managerService({ root: world.root, units, signal: new AbortController().signal });
      connections += 1;
      end = serveConnection(connection, service)
        .catch((error: unknown) => error)
        .finally(() => connection.close());
    }).listen(path());
    await once(server, 'listening');
    const [reply] = await client().call('org.varlink.service.GetInterfaceDescription', { interface: MANAGER });
    idl = parseIdl(String(reply?.parameters.description));
  });
  afterAll(async () => {
    for (const one of clients) one.close();
    server.close();
    await once(server, 'close');
    await world.close();
  });

  it('tells what it is', async () => {
    const general = await client().call('org.varlink.service.GetInterfaceDescription', {
      interface: 'org.varlink.service',
    });
    const description = parseIdl(String(general[0]?.parameters.description));
    const [info] = await client().call('org.varlink.service.GetInfo');
    expect(info?.parameters).toMatchObject({ product: 'extupdate', interfaces: [MANAGER, 'org.varlink.service'] });
    const output = description.methods.get('GetInfo')?.output;
    expect(output && differences(description, output, info?.parameters)).toEqual([]);
  });

  it.each([
    ['List', { component: null }, ['list']],
    ['List', { component: 'app' }, ['list', 'app']],
    ['Check', {}, ['check']],
    ['Check', { components: ['app', 'held'] }, ['check', 'app', 'held']],
    ['Status', { components: [] }, ['status']],
    ['Why', { component: 'held' }, ['why', 'held']],
  ])('%s(%j) says what the document of the command says', async (method, parameters, words) => {
    const { values } = await ask(method, parameters);
    const { stdout, status } = await world.run([...words, '--json=short']);
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(values.components).toEqual(document.components);
    expect(values.errors).toEqual(document.errors);
    expect(values.exit).toBe(status);
    if (method === 'Status') expect(values.services).toEqual(document.services);
  });

  it('has something to tell of in all of that', async () => {
    const { values } = await ask('List');
    expect(values).toMatchObject({ exit: 15, notices: expect.any(Array) });
    expect(values.errors).toMatchObject([
      { component: 'broken', exit: 3 },
      { component: 'gone', exit: 10 },
    ]);
    const { versions } = (values.components as { name: string; versions: object[] }[])[0] ?? {};
    expect(versions).toMatchObject([
      { version: '3', compatible: false },
      { version: '2', compatible: true, available: true, installed: false },
      { version: '1', installed: true, active: true },
    ]);
  });

  it.each([
    ['Why', { component: 'nix' }, `${MANAGER}.NoSuchComponent`, { component: 'nix' }],
    ['List', { component: '' }, `${MANAGER}.NoSuchComponent`, { component: '' }],
    ['Check', { components: ['app', 'nix'] }, `${MANAGER}.NoSuchComponent`, { component: 'nix' }],
    ['Why', {}, 'org.varlink.service.InvalidParameter', { parameter: 'component' }],
    ['Why', { component: 1 }, 'org.varlink.service.InvalidParameter', { parameter: 'component' }],
    ['Check', { components: 'app' }, 'org.varlink.service.InvalidParameter', { parameter: 'components' }],
    ['Status', { components: null, colour: 'red' }, 'org.varlink.service.InvalidParameter', { parameter: 'colour' }],
    ['Apply', { component: 'app' }, 'org.varlink.service.InvalidParameter', { parameter: 'component' }],
    ['Apply', {}, 'org.varlink.service.PermissionDenied', {}],
    ['Nothing', {}, 'org.varlink.service.MethodNotFound', { method: `${MANAGER}.Nothing` }],
    ['constructor', {}, 'org.varlink.service.MethodNotFound', { method: `${MANAGER}.constructor` }],
  ])('%s(%j) is %s', async (method, parameters, error, details) => {
    expect(await ask(method, parameters)).toEqual({ error, values: details });
  });

  it.each([
    ['org.example.Other.List', { interface: 'org.example.Other' }],
    ['List', { interface: '' }],
    ['constructor.name', { interface: 'constructor' }],
  ])('%s is of no interface that is here', async (method, parameters) => {
    expect(await client().call(method)).toEqual([{ error: 'org.varlink.service.InterfaceNotFound', parameters }]);
    const [reply] = await client().call('org.varlink.service.GetInterfaceDescription', parameters);
    expect(reply).toEqual({ error: 'org.varlink.service.InterfaceNotFound', parameters });
  });

  it('a connection cannot become something else', async () => {
    const one = client();
    one.send(callMessage(`${MANAGER}.Status`, {}, { upgrade: true }));
    expect(await one.next()).toEqual({
      error: 'org.varlink.service.MethodNotImplemented',
      parameters: { method: `${MANAGER}.Status` },
    });
  });

  it('a configuration that cannot be read is a failure as a whole, and the next call is answered', async () => {
    world.write('etc/extupdate/extupdate.conf', '[Extupdate]\nMaxImageSize=lots\n');
    const one = client();
    const [reply] = await one.call(`${MANAGER}.List`);
    expect(reply?.error).toBe(`${MANAGER}.Failed`);
    expect(reply?.parameters).toMatchObject({
      code: 'config',
      exit: 3,
      message: expect.stringContaining('extupdate.conf:2'),
    });
    const fields = idl.errors.get('Failed');
    expect(fields && differences(idl, fields, reply?.parameters)).toEqual([]);
    rmSync(join(world.root, 'etc/extupdate/extupdate.conf'));
    expect((await one.call(`${MANAGER}.Status`))[0]?.error).toBeUndefined();
  });

  it('calls that are sent together are answered in their order, and those that want no answer get none', async () => {
    const one = client();
    const calls = [
      callMessage('org.varlink.service.GetInfo', {}, { oneway: true }),
      callMessage(`${MANAGER}.Why`, { component: 'app' }),
      callMessage(`${MANAGER}.Nothing`, {}, { oneway: true }),
      callMessage('org.varlink.service.GetInfo', {}, { more: true }),
      callMessage(`${MANAGER}.Why`, {}),
    ].join('');
    // In pieces that have nothing to do with the calls.
    for (let at = 0; at < calls.length; at += 7) one.send(calls.slice(at, at + 7));
    one.end();
    expect((await one.next())?.parameters).toMatchObject({ components: [{ name: 'app' }] });
    const info = await one.next();
    expect(info).toMatchObject({ parameters: { product: 'extupdate' } });
    expect(info).not.toHaveProperty('continues');
    expect(await one.next()).toMatchObject({ error: 'org.varlink.service.InvalidParameter' });
    expect(await one.next()).toBeUndefined();
  });

  it.each([
    ['no JSON', 'hello\0'],
    ['no object', '[]\0'],
    ['no method', '{}\0'],
    ['too much', 'x'.repeat(70_000)],
  ])('who sends %s is hung up on, after an answer to what went before', async (_, data) => {
    const one = client();
    one.send(callMessage('org.varlink.service.GetInfo') + data);
    expect(await one.next()).toMatchObject({ parameters: { product: 'extupdate' } });
    expect(await one.next()).toBeUndefined();
    expect(await end).toBeInstanceOf(ProtocolError);
  });

  it('who says nothing, or does not read, is hung up on', async () => {
    Object.assign(limits, { idleMs: 50, readingMs: 200 });
    expect(await client().next()).toBeUndefined();
    expect(await end).toBeUndefined();
    const before = connections;
    const deaf = client();
    const description = callMessage('org.varlink.service.GetInterfaceDescription', { interface: MANAGER });
    // More than a socket takes before its reader does.
    deaf.send(description.repeat(500));
    await expect.poll(() => connections).toBe(before + 1);
    expect(await end).toBeUndefined();
    Object.assign(limits, { idleMs: 10_000, readingMs: 10_000 });
  });

  describe('Apply', () => {
    const state = (unit: string, name: string, more: Partial<UnitState> = {}): UnitState => ({
      unit: `extupdate-${unit}.service`,
      state: name,
      text: '',
      busy: name === 'activating',
      result: 'success',
      exit: 0,
      ...more,
    });
    const failed = (unit: string, exit: number, text = '') =>
      state(unit, 'failed', { result: 'exit-code', exit, text });
    /** Plays an update: it really runs when it is started, and shows a state at each look. */
    const playing = (looks: readonly (readonly UnitState[])[], started = () => {}): UpdateUnits => {
      const left = [...looks];
      return {
        start: async () => started(),
        show: async () => left.shift() ?? [],
        history: () =>
          left.length > 0
            ? []
            : [
                {
                  at: '2026-11-22T00:00:00Z',
                  command: 'install',
                  os: 'testos:1',
                  errors: [],
                  done: [
                    { component: 'app', action: 'install', version: '2', from: '1' },
                    { component: 'app', action: 'expose', version: '2', from: '1', os: 'testos:2' },
                  ],
                },
              ],
        pause: async () => {},
      };
    };

    it('tells what came of it, and with "more" how it goes', async () => {
      const looks = [
        [
          state('acquire', 'activating', { text: 'downloading app_2.raw: 43 %' }),
          state('install', 'inactive', { busy: true }),
        ],
        [state('acquire', 'inactive', { text: 'app: acquired 2' }), state('install', 'activating')],
        [state('acquire', 'inactive', { text: 'app: acquired 2' }), state('install', 'inactive')],
      ];
      units = playing(looks);
      const { values } = await ask('Apply');
      expect(values).toMatchObject({
        done: [
          { action: 'install', version: '2', from: '1' },
          { action: 'expose', os: 'testos:2' },
        ],
        exit: 0,
        components: expect.arrayContaining([expect.objectContaining({ name: 'app', current: '1' })]),
      });
      // What is broken is told, as of Status().
      expect(values.errors).toMatchObject([{ component: 'broken', code: 'config' }]);

      units = playing(looks);
      const replies = await client().call(`${MANAGER}.Apply`, {}, { more: true });
      expect(replies.flatMap(({ parameters }) => deviations('Apply', parameters))).toEqual([]);
      expect(replies.map(({ continues }) => continues ?? false)).toEqual([true, true, true, true, true, false]);
      expect(replies.slice(0, -1).map(({ parameters }) => parameters.progress)).toEqual([
        { unit: 'extupdate-acquire.service', state: 'activating', text: 'downloading app_2.raw: 43 %' },
        { unit: 'extupdate-install.service', state: 'inactive', text: '' },
        { unit: 'extupdate-acquire.service', state: 'inactive', text: 'app: acquired 2' },
        { unit: 'extupdate-install.service', state: 'activating', text: '' },
        { unit: 'extupdate-install.service', state: 'inactive', text: '' },
      ]);
      expect(replies.at(-1)?.parameters).toEqual(values);
    });

    it('failed units are errors with their status', async () => {
      units = playing([[failed('acquire', 10, 'gone: no answer'), failed('install', 16)]]);
      const { values } = await ask('Apply');
      expect(values.exit).toBe(15);
      expect(values.errors).toMatchObject([
        { component: null, code: 'network', exit: 10, message: 'gone: no answer' },
        { component: null, code: 'activation', exit: 16, message: 'extupdate-install.service: status 16' },
        { component: 'broken' },
      ]);
    });

    it('another run that does not end in time is an error of its own', async () => {
      units = {
        ...playing([[state('acquire', 'inactive'), failed('install', 75, 'another run is at work: apply (pid 7)')]]),
        history: () => [],
      };
      const reply = await ask('Apply');
      expect(reply).toEqual({
        error: `${MANAGER}.Busy`,
        values: { message: 'another run is at work: apply (pid 7)' },
      });
      const fields = idl.errors.get('Busy');
      expect(fields && differences(idl, fields, reply.values)).toEqual([]);
    });

    it('an acquiring that was in the way does not hide what was installed without it', async () => {
      units = playing([[failed('acquire', 75, 'busy: acquire (pid 7)'), state('install', 'inactive')]]);
      const { values } = await ask('Apply');
      expect(values).toMatchObject({ exit: 75, done: [{ action: 'install', version: '2' }, { action: 'expose' }] });
      expect(values.errors).toContainEqual(expect.objectContaining({ code: 'busy', message: 'busy: acquire (pid 7)' }));
    });

    it('goes on when the one who called is gone, and nobody follows it any more', async () => {
      let starts = 0;
      let shows = 0;
      const gone = client();
      units = {
        ...playing([], () => {
          starts += 1;
          gone.close();
        }),
        show: async () => [state('acquire', 'activating', { text: `${shows++} %` })],
        pause: () => new Promise((resolve) => setTimeout(resolve, 5)),
      };
      const before = connections;
      gone.send(callMessage(`${MANAGER}.Apply`, {}, { more: true }));
      await expect.poll(() => connections).toBe(before + 1);
      expect(await end).toBeUndefined();
      expect(starts).toBe(1);
      const seen = shows;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(shows).toBe(seen);
    });
  });
});

it.runIf(process.getuid?.() === 0)('the command does not answer as root', async () => {
  const env = { ...process.env };
  delete env.RUNTIME_DIRECTORY;
  const child = spawn(process.execPath, [programPath, 'varlink', '0-1-0'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [status] = await once(child, 'close');
  expect({ status, stderr }).toMatchObject({ status: 3, stderr: expect.stringContaining('does not answer as root') });
});
