#!/usr/bin/perl
# 3-dkim - what dkimpy signs we verify; what was altered we do not
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

alarm 300;
my $builddir = $ENV{builddir} // '.';
my $ask = "$builddir/t/lib/dkim_ask";
my $python = '/usr/bin/python3';
my $count = $ENV{LONG} ? 1000 : 200;

plan skip_all => "$ask is not built" unless -x $ask;
plan skip_all => "no dkimpy with Ed25519 for $python (python3-dkim, python3-nacl)"
    if system("$python -c 'import dkim, nacl' 2>/dev/null") != 0;

my $dir = tempdir(CLEANUP => 1);

sub spew {
    my ($name, $text) = @_;
    open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!";
    print $out $text;
    close $out or die "$dir/$name: $!";
}

sub slurp_lines {
    my ($name) = @_;
    open my $in, '<:raw', "$dir/$name" or die "$dir/$name: $!";
    chomp(my @lines = <$in>);
    return @lines;
}

my (undef, $rsa, $rsa_p, $seed, $ed_p) = split /^=\n/m, `$ask keys`;
chomp for $rsa_p, $ed_p, $seed;
spew('rsa.pem', $rsa);
spew('ed.seed', $seed);
spew('keys', "key rsa._domainkey.example.org v=DKIM1; g=*; k=rsa; p=$rsa_p\n"
        . "key ed._domainkey.example.org v=DKIM1; k=ed25519; p=$ed_p\n");
spew('sign.py', do { local $/; <DATA> });
is(system($python, "$dir/sign.py", $dir, $count), 0, 'dkimpy signs');
is(system("$ask <$dir/mails >$dir/got"), 0, 'we verify');

my @got = slurp_lines('got');
my @want = slurp_lines('want');
is(scalar @got, scalar @want, 'as many answers as mails');
for my $i (0 .. $#want) {
    my ($result, $name) = split /\t/, $want[$i], 2;
    my @results = map { s{/.*}{}r } split /\t/, $got[$i] // '';
    ok(@results && !(grep { $_ ne $result } @results), "$result: $name")
        or diag('got: ' . ($got[$i] // 'nothing'));
}
done_testing();

__DATA__
# signs mails with dkimpy: those at the borders in each form, others by chance
import random
import sys
import time

import dkim

top, count = sys.argv[1], int(sys.argv[2])
random.seed(6376)
keys = {b'rsa': (b'rsa-sha256', open(top + '/rsa.pem', 'rb').read()),
        b'ed': (b'ed25519-sha256', open(top + '/ed.seed', 'rb').read())}
forms = [(h, b) for h in (b'simple', b'relaxed') for b in (b'simple', b'relaxed')]
mails = open(top + '/mails', 'wb')
want = open(top + '/want', 'w')
mails.write(open(top + '/keys', 'rb').read())

BASE = [(b'Received', b' from a\r\n\tby b;\r\n today'), (b'From', b' "A (x)" <a@example.org>'),
        (b'To', b' b@example.net'), (b'Subject', b' a  folded\r\n  subject\t '),
        (b'X-Twice', b' first'), (b'X-Twice', b'second'), (b'X-Empty', b''),
        (b'X-Fold', b'\r\n on the next line')]
SIGNED = [b'from', b'to', b'subject', b'x-twice', b'x-empty', b'x-fold']
OVER = SIGNED + [b'from', b'cc', b'x-twice', b'x-twice', b'message-id']
BODIES = {
    'empty body': b'',
    'one line': b'hello\r\n',
    'no final CR LF': b'hello\r\nyou',
    'only blank lines': b'\r\n\r\n\r\n',
    'blank lines behind': b'x\r\n\r\n\r\n\r\n',
    'blanks at the ends of lines': b'a \t \r\n  b\t\r\n \r\n\t\r\n',
    'blanks in lines': b' a  b\t\tc \r\n\r\n d\r\n',
    '8-bit': bytes(range(128, 256)) + b'\r\n\xc3\xa4\r\n',
    'long lines': b'x' * 70000 + b'\r\n' + b' y' * 5000 + b'\r\n',
    'NUL': b'a\0b\r\n',
    'dots': b'.\r\n..\r\n',
}


def text_of(fields, body):
    return b''.join(n + b':' + v + b'\r\n' for n, v in fields) + b'\r\n' + body


def emit(result, name, mail):
    mails.write(b'mail %d %d %d\n' % (len(mail), random.randrange(1 << 30), time.time()) + mail)
    want.write('%s\t%s\n' % (result, name))


def signed(fields, body, which, form, names, length=False):
    algorithm, key = keys[which]
    mail = text_of(fields, body)
    field = dkim.sign(mail, which, b'example.org', key, canonicalize=form,
                      signature_algorithm=algorithm, include_headers=list(names),
                      length=length)
    return field, mail


def show(which, form):
    return '%s, %s/%s' % (which.decode(), form[0].decode(), form[1].decode())


def all_forms():
    return [(w, f) for w in (b'rsa', b'ed') for f in forms]


def sign_and_emit(name, fields, body, which, form, names):
    field, mail = signed(fields, body, which, form, names)
    emit('pass', '%s (%s)' % (name, show(which, form)), field + mail)
    return field


for which, form in all_forms():
    for name, body in BODIES.items():
        sign_and_emit(name, BASE, body, which, form, SIGNED)
    field = sign_and_emit('oversigned', BASE, b'x\r\n', which, form, OVER)
    changed = [(n, v + b'!') if n == b'Subject' else (n, v) for n, v in BASE]
    emit('fail', 'another subject (%s)' % show(which, form), field + text_of(changed, b'x\r\n'))
    emit('fail', 'another body (%s)' % show(which, form), field + text_of(BASE, b'y\r\n'))
    emit('fail', 'one more Cc, which was oversigned (%s)' % show(which, form),
         field + text_of(BASE + [(b'Cc', b' c@example.net')], b'x\r\n'))
    emit('fail', 'one more From (%s)' % show(which, form),
         field + text_of([(b'From', b' e@example.com')] + BASE, b'x\r\n'))
    emit('pass', 'one more field that is not signed (%s)' % show(which, form),
         field + text_of([(b'X-New', b' x')] + BASE, b'x\r\n'))

    for name, body in BODIES.items():
        field, mail = signed(BASE, body, which, form, SIGNED, length=True)
        emit('pass', '%s, l= is all of it (%s)' % (name, show(which, form)), field + mail)
    field, mail = signed(BASE, b' a  b \r\n\r\nc\r\n', which, form, SIGNED, length=True)
    emit('pass', 'blank lines behind l= (%s)' % show(which, form), field + mail + b'\r\n\r\n')
    emit('policy', 'more behind l= (%s)' % show(which, form), field + mail + b'\r\nd\r\n')

both, mail = signed(BASE, b'two\r\n', b'ed', (b'relaxed', b'relaxed'), OVER)
both += signed(BASE, b'two\r\n', b'rsa', (b'relaxed', b'relaxed'), OVER)[0]
emit('pass', 'RSA and Ed25519 together', both + mail)


def any_bytes(alphabet, most):
    return bytes(random.choice(alphabet) for _ in range(random.randrange(most)))


def any_value():
    value = b' ' * random.randrange(3) + any_bytes(b'abc  \t,;:=<@>"(\xc3\xa4\xff', 30) + b'x'
    for _ in range(random.randrange(3)):
        value += b'\r\n' + random.choice([b' ', b'\t', b'  \t']) + b'z' + \
            any_bytes(b'de \t\x80', 20)
    return value


def any_mail():
    fields = [(b'From', b' a@example.org')]
    for _ in range(random.randrange(1, 12)):
        fields.insert(random.randrange(len(fields) + 1),
                      (random.choice([b'Subject', b'SUBJECT', b'X-A', b'x-b', b'To']),
                       any_value()))
    lines = [any_bytes(b'ab \t.\xe9-', 40) for _ in range(random.randrange(12))]
    lines += [b''] * random.randrange(3)
    body = b'\r\n'.join(lines)
    # dkimpy takes blanks off lines that have an end only
    return fields, random.choice([body.rstrip(b' \t'), body + b'\r\n', body + b'\r\n\r\n'])


for i in range(count):
    fields, body = any_mail()
    which, form = random.choice(all_forms())
    names = [b'from'] + [random.choice([b'subject', b'x-a', b'X-B', b'to', b'cc'])
                         for _ in range(random.randrange(10))]
    field = sign_and_emit('mail %d' % i, fields, body, which, form, names)
    if i % 4 == 0:
        emit('fail', 'mail %d with a line in front' % i, field + text_of(fields, b'!\r\n' + body))
    if i % 4 == 1:
        fields = [(n, v + b'!') if n == b'From' else (n, v) for n, v in fields]
        emit('fail', 'mail %d of another author' % i, field + text_of(fields, body))
