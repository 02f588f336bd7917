/** `io.extupdate.Manager`: what the program tells and does for other programs. Names are those of the JSON documents. */
import { bool, choice, failure, field, int, list, method, nullable, string, struct } from './schema.ts';

const Reason = struct('Reason', 'Why a version is chosen or not.', {
  code: field(string, 'One word for programs, such as "chosen", "incompatible", "held".'),
  text: field(string, 'A sentence for people.'),
});

const Version = struct('Version', 'One version of a component.', {
  version: field(string, 'As it is published.'),
  installed: field(bool, 'Whether it, or a part of it, is on this machine.'),
  active: field(bool, 'Whether it is the one that systemd sees.'),
  available: field(bool, 'Whether its source offers all of it.'),
  compatible: field(nullable(bool), 'Whether it fits the operating system; null where nobody has looked yet.'),
  newest: field(bool, 'Whether there is none that is newer.'),
  obsolete: field(bool, 'Whether it is older than MinVersion=.'),
  protected: field(bool, 'Whether ProtectVersion= names it.'),
  incomplete: field(bool, 'Whether a part of it is missing.'),
  partial: field(bool, 'Whether a part of it is downloaded.'),
  pending: field(bool, 'Whether it is downloaded and not installed.'),
  held: field(bool, 'Whether a hold keeps it out.'),
  bad: field(bool, 'Whether it was found not to work.'),
  reason: field(Reason, 'Why it is chosen or not.'),
});

const Component = struct('Component', 'A set of transfers that is kept at one version.', {
  name: field(string, 'The name of its definition.'),
  current: field(nullable(string), 'The version that is active.'),
  candidate: field(nullable(string), 'The version that Apply() would change to.'),
  versions: field(list(Version), 'All versions that are known, newest first.'),
});

const Problem = struct('Problem', 'What went wrong with a component, or with all of them.', {
  component: field(nullable(string), 'Its name; null where it is not about one.'),
  code: field(string, 'One word for programs, such as "network", "trust", "config".'),
  exit: field(int, 'The exit status that the program has for it.'),
  message: field(string, 'One or two lines for people: what, where, expected and got.'),
  next: field(nullable(string), 'The next step for the person who reads it.'),
});

const Notice = struct('Notice', 'Something worth knowing that is no failure.', {
  component: field(nullable(string), 'What it is about; null where it is not about one component.'),
  text: field(string, 'A sentence for people.'),
});

const Service = struct('Service', 'A running service that mounts an image of a component for itself.', {
  unit: field(string, 'Its name.'),
  component: field(string, 'Whose image it is.'),
  version: field(nullable(string), 'What it really sees; null where that could not be found out.'),
  exposed: field(nullable(string), 'What it would see if it were started now; null where there is nothing.'),
});

const Action = choice('Action', 'What can be done with a version.', {
  acquire: 'It was downloaded.',
  install: 'It was put in place, where systemd does not look yet.',
  expose: 'It was made visible.',
  activate: 'It was merged by systemd.',
  defer: 'It was installed for later.',
  remove: 'It was removed.',
  hold: 'It is held.',
  unhold: 'It is not held any more.',
  forget: 'What was seen of its source was forgotten.',
});

const Done = struct('Done', 'Something that was done.', {
  component: field(string, 'With which component.'),
  action: field(Action, 'What.'),
  version: field(string, 'With which version.'),
  from: field(nullable(string), 'The version that was active before.'),
  os: field(nullable(string), 'The operating system that it was done for, where that is not the running one.'),
});

const Progress = struct('Progress', 'What a unit of the update is at.', {
  unit: field(string, 'Its name, such as "extupdate-acquire.service".'),
  state: field(string, 'Its state in the words of systemd, such as "activating", "inactive", "failed".'),
  text: field(string, 'A line for people, such as "downloading app_2.raw: 43 %, 12.3 MiB/s"; may be empty.'),
});

const onlyComponents = {
  components: field(nullable(list(string)), 'Names of the components to look at; null or none means all.'),
};

const found = {
  components: field(list(Component), 'What is known of the components.'),
  errors: field(list(Problem), 'What could not be found out; the others are told all the same.'),
  notices: field(list(Notice), 'What else is worth knowing, such as what this service may not see.'),
  exit: field(int, 'The exit status that the program would have had.'),
};

export const managerInterface = {
  name: 'io.extupdate.Manager',
  doc:
    'Keeps system and configuration extensions at the newest version that fits the operating system. Everybody may ask; ' +
    'only root may call Apply(). New fields and methods may be added; clients ignore what they do not know.',
  methods: {
    List: method(
      'Tells every version: what is offered, what is here, and why one is not chosen. Asks the servers.',
      { component: field(nullable(string), 'The component to look at; null means all.') },
      found,
    ),
    Check: method(
      'Tells what Apply() would change to. Asks the servers, and no more than it has to.',
      onlyComponents,
      found,
    ),
    Status: method('Tells what is installed and active. Asks no server.', onlyComponents, {
      ...found,
      services: field(list(Service), 'Running services that mount images for themselves.'),
    }),
    Why: method('As List(), of one component.', { component: field(string, 'The component to look at.') }, found),
    Apply: method(
      'Starts the update that the timer starts, waits for its end, and tells what came of it. With "more", replies with ' +
        'nothing but progress come before. An update that is at work already is joined. It does not end when the caller ' +
        'goes away.',
      {},
      {
        progress: field(nullable(Progress), 'What changed; null in the last reply.'),
        components: field(nullable(list(Component)), 'As of Status(), after the update; null with progress.'),
        done: field(nullable(list(Done)), 'What was done; null with progress.'),
        errors: field(nullable(list(Problem)), 'What failed; null with progress.'),
        notices: field(nullable(list(Notice)), 'What else is worth knowing; null with progress.'),
        exit: field(nullable(int), 'The exit status that "extupdate apply" would have had; null with progress.'),
      },
    ),
  },
  errors: {
    NoSuchComponent: failure('Nothing here has a definition with this name.', {
      component: field(string, 'The name.'),
    }),
    Busy: failure('Another run was at work and did not end in time, and nothing was done.', {
      message: field(string, 'Which one, for people.'),
    }),
    Failed: failure('Nothing came of it at all: the configuration cannot be read, or the update cannot be started.', {
      code: field(string, 'As of a Problem.'),
      exit: field(int, 'The exit status that the program has for it.'),
      message: field(string, 'One or two lines for people.'),
      next: field(nullable(string), 'The next step for the person who reads it.'),
    }),
  },
} as const;
