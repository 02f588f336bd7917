/** `org.varlink.service`: what every Varlink service answers. */
import { failure, field, list, method, string } from './schema.ts';

const named = (what: string) => ({ method: field(string, what) });

export const serviceInterface = {
  name: 'org.varlink.service',
  doc: 'What every Varlink service answers.',
  methods: {
    GetInfo: method(
      'Tells what this service is.',
      {},
      {
        vendor: field(string, 'Who makes it.'),
        product: field(string, 'What it is part of.'),
        version: field(string, 'Which version that is.'),
        url: field(string, 'Where to read about it.'),
        interfaces: field(list(string), 'The interfaces that it has.'),
      },
    ),
    GetInterfaceDescription: method(
      'Describes an interface in the Varlink interface definition language.',
      { interface: field(string, 'Its name.') },
      { description: field(string, 'The text.') },
    ),
  },
  errors: {
    InterfaceNotFound: failure('There is no such interface here.', {
      interface: field(string, 'The name that was called.'),
    }),
    MethodNotFound: failure('The interface has no such method.', named('The name that was called.')),
    MethodNotImplemented: failure('The method is not there yet, or not in this form.', named('Its name.')),
    InvalidParameter: failure('A parameter is unknown, missing, or of another type.', {
      parameter: field(string, 'Its name.'),
    }),
    PermissionDenied: failure('The caller may not do this.', {}),
    ExpectedMore: failure('The method has to be called with "more".', {}),
  },
} as const;
