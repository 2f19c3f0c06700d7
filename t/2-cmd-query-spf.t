#!/usr/bin/perl
# 2-cmd-query-spf - tamis query spf: results, what decided, questions, JSON, exit status
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Tamis::Session;
use Test::More;

alarm 60;

my $zone = write_file('zone', <<'END');
example.com      TXT "v=spf1 ip4:192.0.2.10 include:inc.example exp=why.example.com -all"
why.example.com  TXT "ask %{i} at 100%% of %{s}"
inc.example      TXT "v=spf1 a:host.inc.example ?all"
host.inc.example A 192.0.2.11
perm.example     TXT "v=spf1 foo:bar -all"
none.example     A 192.0.2.1
$SERVFAIL bad.example
$TIMEOUT slow.example
END
my $conf = write_file('milter.conf', "postfix_config_directory =\nstage_time_limit = 1s\n");

sub query {
    my (@args) = @_;
    return run_tamis('', 'query', @args, '-c', $conf);
}

sub is_answer {
    my ($name, $args, $status, $want) = @_;
    my @got = query('spf', '--zone', $zone, @$args);
    is($got[0], $want, "$name: answer");
    is($got[1], '', "$name: nothing else is said");
    is($got[2], $status, "$name: status");
}

is_answer('fail', ['--client', '192.0.2.1', '--from', 'a@example.com'], 0, <<"END");
result       fail
meaning      192.0.2.1 is not allowed to send for example.com
domain       example.com
term         -all
why          192.0.2.1 matches -all in the record of example.com
explanation  example.com says: ask 192.0.2.1 at 100% of a\@example.com
questions    4 to the DNS; terms that ask it: 2 of 10; that found nothing: 0 of 2
END
is_answer('pass', ['--client', '192.0.2.10', '--from', '<a@example.com>'], 0, <<'END');
result       pass
meaning      192.0.2.10 is allowed to send for example.com
domain       example.com
term         ip4:192.0.2.10
why          192.0.2.10 matches ip4:192.0.2.10 in the record of example.com
questions    1 to the DNS; terms that ask it: 0 of 10; that found nothing: 0 of 2
END
is_answer('permerror', ['--client', '2001:db8::1', '--from', 'a@perm.example'], 0, <<'END');
result       permerror
meaning      perm.example: bad term in the record: foo:bar
domain       perm.example
questions    1 to the DNS; terms that ask it: 0 of 10; that found nothing: 0 of 2
END
is_answer('null sender', ['--client', '192.0.2.1', '--from', '<>', '--helo', 'none.example'], 0, <<'END');
result       none
meaning      none.example has no SPF record
domain       none.example
questions    1 to the DNS; terms that ask it: 0 of 10; that found nothing: 0 of 2
END
is_answer('HELO', ['--client', '192.0.2.1', '--helo', 'none.example'], 0, <<'END');
result       none
meaning      none.example has no SPF record
domain       none.example
questions    1 to the DNS; terms that ask it: 0 of 10; that found nothing: 0 of 2
END
is_answer('no such domain', ['--client', '192.0.2.1', '--from', 'a@nowhere.example'], 0, <<'END');
result       none
meaning      nowhere.example does not exist
domain       nowhere.example
questions    1 to the DNS; terms that ask it: 0 of 10; that found nothing: 0 of 2
END
is_answer('temperror', ['--client', '192.0.2.1', '--from', 'a@bad.example'], 75, <<'END');
result       temperror
meaning      the DNS did not answer for bad.example
domain       bad.example
questions    1 to the DNS; terms that ask it: 0 of 10; that found nothing: 0 of 2
END
is_answer('no answer', ['--client', '192.0.2.1', '--from', 'a@slow.example'], 75, <<'END');
result       temperror
meaning      the DNS did not answer for slow.example
domain       slow.example
questions    1 to the DNS; terms that ask it: 0 of 10; that found nothing: 0 of 2
END

my ($out, $err, $status) = query('-v', 'spf', '--client', '192.0.2.11', '--from', 'a@example.com', '--json', '--zone', $zone);
is($status, 0, '-v in front of spf');
is($err, <<'END', '-v: each question and its answer');
dns TXT example.com: "v=spf1 ip4:192.0.2.10 include:inc.example exp=why.example.com -all"
dns TXT inc.example: "v=spf1 a:host.inc.example ?all"
dns A host.inc.example: 192.0.2.11
END
is_deeply(decode_json($out), {
    identity => 'mailfrom', client => '192.0.2.11', from => 'a@example.com', helo => undef,
    result => 'pass', domain => 'example.com', term => 'include:inc.example',
    why => '192.0.2.11 matches include:inc.example in the record of example.com',
    explainer => undef, explanation => undef, terms => 2, voids => 0, lookups => 3,
}, '--json');

# --- usage
for my $case (
    [['--from', 'a@b.example'], '--client ADDRESS is needed'],
    [['--client', 'nonsense', '--from', 'a@b.example'], '--client nonsense is no address'],
    [['--client', '192.0.2.1'], '--from ADDRESS or --helo NAME is needed'],
    [['--client', '192.0.2.1', '--from', '<>'], 'the null sender is judged by --helo NAME'],
    [['--client', '192.0.2.1', '--from', 'a@b.example', 'more'], 'no argument is expected: more'],
) {
    my ($args, $why) = @$case;
    my ($out, $err, $status) = query('spf', @$args);
    is($status, 64, "@$args: status");
    like($err, qr/^tamis query: \Q$why\E; see/m, "@$args: said why");
}
is((query('spf', '--client', '192.0.2.1', '--from', 'a@b.example', '--zone', '/nonexistent'))[2], 78, 'no such zone');
is((query('spf', 'key'))[2], 64, 'a key is no argument of spf');

done_testing();
