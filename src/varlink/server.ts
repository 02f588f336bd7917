/** One Varlink connection: calls are answered one after the other, in the order in which they come. */
import { UsageError } from '../errors.ts';
import { type Call, encodeMessage, MessageReader, parseCall, REPLY_SIZE_MAX, type Reply } from './codec.ts';
import { renderInterface } from './idl.ts';
import type { DetailsOf, ErrorDescription, Fields, Interface, Method, ValuesOf } from './schema.ts';
import { wrongField } from './schema.ts';
import { serviceInterface } from './service-interface.ts';

/** The bytes that come and go. */
export interface Connection {
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when the peer can take more. @throws {@link PeerGone} */
  write(text: string): Promise<void>;
}

/** Nobody is there any more to be answered. */
export class PeerGone extends Error {}

/** An answer that is an error, as its interface has it. */
export class VarlinkError extends Error {
  /** With its interface. */
  readonly error: string;
  readonly parameters: object;

  constructor(error: string, parameters: object) {
    super(error);
    this.error = error;
    this.parameters = parameters;
  }
}

/** Makes the error of an interface, with the fields that it says it has. */
export function errorOf<E extends Readonly<Record<string, ErrorDescription>>, N extends keyof E & string>(
  { name }: { readonly name: string; readonly errors: E },
  error: N,
  parameters: DetailsOf<E[N]['fields']>,
): VarlinkError {
  return new VarlinkError(`${name}.${error}`, parameters);
}

/** How an answer is given in several parts. */
export interface Answering<O extends Fields> {
  /** Whether the client wants what {@link Answering.progress} would send. */
  readonly more: boolean;
  /** Sends a reply that is not the last one. @throws {@link PeerGone} */
  progress(values: ValuesOf<O>): Promise<void>;
}

/** Answers a method. */
type Handler<M extends Method> = (
  parameters: ValuesOf<M['input']>,
  answering: Answering<M['output']>,
) => Promise<ValuesOf<M['output']>>;

/** A function for every method of an interface. */
export type Handlers<I extends Pick<Interface, 'methods'>> = {
  readonly [M in keyof I['methods']]: Handler<I['methods'][M]>;
};

/** As {@link Handler}, of any method: what it is given was compared with what its method takes. */
type AnyHandler = (
  parameters: Call['parameters'],
  answering: { readonly more: boolean; progress(values: object): Promise<void> },
) => Promise<object>;

export interface Service {
  readonly info: ValuesOf<(typeof serviceInterface)['methods']['GetInfo']['output']>;
  readonly description: Interface;
  /** By name of the method. */
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  /** Makes the error of the interface of anything else that a handler throws. */
  failed(error: unknown): VarlinkError;
}

/** Puts an interface and what answers it together. */
export function serviceOf<I extends Interface>(
  description: I,
  handlers: Handlers<I>,
  { product, version, url }: { readonly product: string; readonly version: string; readonly url: string },
  failed: Service['failed'],
): Service {
  const interfaces = [description.name, serviceInterface.name];
  const info = { vendor: product, product, version, url, interfaces };
  return { info, description, handlers: handlers as unknown as Service['handlers'], failed };
}

/**
 * Answers until the peer hangs up.
 * @throws ProtocolError when it does not speak Varlink, after everything before that was answered
 */
export async function serveConnection({ input, write }: Connection, service: Service): Promise<void> {
  const reader = new MessageReader();
  try {
    for await (const chunk of input) {
      for (const message of reader.push(chunk)) await answer(parseCall(message), service, write);
    }
  } catch (error) {
    if (!(error instanceof PeerGone)) throw error;
  }
}

async function answer(call: Call, service: Service, write: Connection['write']): Promise<void> {
  const send = async (reply: Reply) => {
    if (call.oneway) return;
    const text = encodeMessage(reply);
    if (Buffer.byteLength(text) > REPLY_SIZE_MAX) {
      const next = 'ask for one component';
      throw new UsageError(`the answer has more than ${REPLY_SIZE_MAX} bytes, which no client takes`, { next });
    }
    await write(text);
  };
  try {
    const { method, handler, name } = methodOf(call, service);
    const wrong = wrongField(method.input, call.parameters);
    if (wrong !== undefined) throw errorOf(serviceInterface, 'InvalidParameter', { parameter: wrong });
    if (call.upgrade) throw errorOf(serviceInterface, 'MethodNotImplemented', { method: name });
    const parameters = await handler(call.parameters, {
      more: call.more && !call.oneway,
      progress: (values) => send({ parameters: values, continues: true }),
    });
    await send({ parameters });
  } catch (error) {
    if (error instanceof PeerGone) throw error;
    const { error: id, parameters } = error instanceof VarlinkError ? error : service.failed(error);
    await send({ error: id, parameters });
  }
}

interface Found {
  /** With its interface. */
  readonly name: string;
  readonly method: Method;
  readonly handler: AnyHandler;
}

/** @throws VarlinkError */
function methodOf({ method: name }: Call, { info, description, handlers }: Service): Found {
  const dot = name.lastIndexOf('.');
  const [prefix, word] = [name.slice(0, Math.max(dot, 0)), name.slice(dot + 1)];
  const own = { [description.name]: description, [serviceInterface.name]: serviceInterface as Interface };
  const known = Object.hasOwn(own, prefix) ? own[prefix] : undefined;
  if (!known) throw errorOf(serviceInterface, 'InterfaceNotFound', { interface: prefix });
  const answers = known === description ? handlers : generalHandlers(info, Object.values(own));
  const method = Object.hasOwn(known.methods, word) ? known.methods[word] : undefined;
  const handler = answers[word];
  if (!method || !handler) throw errorOf(serviceInterface, 'MethodNotFound', { method: name });
  return { name, method, handler };
}

function generalHandlers(info: Service['info'], interfaces: readonly Interface[]): Service['handlers'] {
  const handlers: Handlers<typeof serviceInterface> = {
    GetInfo: async () => info,
    GetInterfaceDescription: async ({ interface: wanted }) => {
      const found = interfaces.find(({ name }) => name === wanted);
      if (!found) throw errorOf(serviceInterface, 'InterfaceNotFound', { interface: wanted });
      return { description: renderInterface(found) };
    },
  };
  return handlers as unknown as Service['handlers'];
}
