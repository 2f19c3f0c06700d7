#!/usr/bin/perl
# 6-shadow - a second policy judges live mail, never answers, and may be promoted and taken back
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use lib "$ENV{srcdir}/t/lib";
use IPC::Open2 qw(open2);
use JSON::PP;
use Tamis::Filter;
use Tamis::Guard qw(run_command slurp spew temp_dir wait_until);
use Tamis::Live qw(live_mta status_of);
use Tamis::Mta;
use Test::More;

plan skip_all => 'no sqlite3 shell' if system('sqlite3 -version >/dev/null 2>&1') != 0;
alarm 300;

my $MESSAGES = 500;
my $RULES = <<'END';
mode = enforce
mynetworks = 192.0.2.250/32
myhostname = mx.here.example
mydestination = here.example
evidence_headers = From
client_restrictions = permit_mynetworks
helo_restrictions = reject_invalid_helo_hostname
sender_restrictions = check_sender_access texthash:senders, warn_if_reject reject_non_fqdn_sender
relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
recipient_restrictions = check_recipient_access texthash:rcpt
end_of_data_restrictions = check_sender_access inline:{ {s5.example = REJECT at the end} }
header_checks = regexp:heads
END
my %FILES = (
    senders => "u1\@s1.example REJECT no\nu2\@s2.example DEFER later\nu3\@s3.example 421 4.7.0 bye\n",
    rcpt => "r1\@here.example REJECT not me\nr2\@here.example DISCARD\nr3\@here.example HOLD\n"
        . "r4\@here.example DEFER_IF_PERMIT not yet\n",
    heads => "/^Subject: buy/ REJECT no ads\n/^Subject: bad/ DISCARD\n",
    other => "/^X-Odd:/ REJECT odd\n",
);
my $RULE = 'check_recipient_access inline:{ {r6@here.example = REJECT more} }, ';
my $MORE = $RULES =~ s/^client_restrictions = \K/$RULE/mr;

sub filter_with {
    my ($shadow, %opt) = @_;
    return Tamis::Filter->new(conf => ($opt{rules} // $RULES) . ($opt{more} // '') . "shadow_config = shadow.conf\n"
        . "reload_on_change = no\n", files => { %FILES, 'shadow.conf' => $shadow })->start;
}

# All of them differ in something; the same ones each time. Returns how many recipients there were.
sub send_all {
    my ($filter, $count) = @_;
    my $recipients = 0;
    my @subjects = ('hello', 'buy this', 'bad news', 'hello again', 'more');

    for my $i (1 .. $count) {
        my $mta = Tamis::Mta->connect($filter->milter);
        $mta->connect_info($i % 3 ? "mail.s$i.example" : 'unknown', 4, 40000, '192.0.2.' . (1 + $i % 250));
        $mta->helo($i % 17 ? "mail.s$i.example" : 'bad!');
        my $sender = $i % 19 ? 'u' . $i % 7 . '@s' . $i % 6 . '.example' : '';
        my %login = $i % 23 ? () : ('{auth_authen}' => 'me', '{auth_type}' => 'PLAIN');
        $mta->mail("<$sender>", '{mail_addr}' => $sender, %login);
        my $taken = 0;
        for my $n (0 .. $i % 4 == 0) {
            my $rcpt = $i % 29 ? 'r' . ($i + $n) % 9 . '@here.example' : 'x@else.example';
            my $reply = $mta->rcpt("<$rcpt>", '{rcpt_addr}' => $rcpt);
            $recipients++;
            $taken++ if $reply->{action} eq 'continue';
            last if $reply->{action} !~ /^(?:continue|reject|tempfail|replycode)$/;
        }
        if ($taken && $i % 31) {
            $mta->data(i => "4Q$i");
            $mta->content("Subject: $subjects[$i % 5]\nFrom: <$sender>\nX-" . ($i % 11 ? 'Even' : 'Odd') . ": $i\n\nbody $i\n");
        }
        $mta->quit;
    }
    return $recipients;
}

# The counters once all is judged.
sub judged {
    my ($filter, $recipients) = @_;
    my $s;
    wait_until(60, sub {
        $s = status_of($filter)->{shadow};
        return $s->{same} + $s->{changed} + $s->{unknown} + $s->{dropped} >= $recipients;
    });
    $filter->wait_sql($recipients, 'SELECT 1 FROM shadow');
    return "@$s{qw(same changed unknown dropped)}";
}

# The same rules
my $filter = filter_with($RULES);
ok $filter->wait_stderr(qr/shadow: \S+shadow\.conf judges, too, and answers nothing/), 'the start tells of the shadow';
my $recipients = send_all($filter, $MESSAGES);
is judged($filter, $recipients), "$recipients 0 0 0", "the same rules: $recipients recipients, no difference";
is_deeply [$filter->sql('SELECT change, count(*) AS n FROM shadow GROUP BY 1')], [{ change => 'same', n => $recipients }],
    'and so says the log';
is_deeply [$filter->sql('SELECT count(*) AS n FROM shadow AS s JOIN recipient AS r ON r.id = s.id AND r.n = s.n'
    . ' WHERE s.action IS NOT r.action OR s.code IS NOT r.code OR s.text IS NOT r.text OR s.file IS NOT r.file'
    . " AND s.file NOT LIKE '%/shadow.conf' OR s.was_text IS NOT r.text OR s.address IS NOT r.address")], [{ n => 0 }],
    'with the same words';
cmp_ok [$filter->sql('SELECT count(DISTINCT text) AS n FROM decision')]->[0]{n}, '>', 6, 'they were varied';
my $status = status_of($filter);
is $status->{messages}{accept} + $status->{messages}{reject} + $status->{messages}{tempfail}
    + $status->{messages}{discard} + $status->{messages}{aborted}, [$filter->sql('SELECT count(*) AS n FROM decision')]->[0]{n},
    'the shadow counts for no message';
like +($filter->command('status'))[1], qr/^shadow +\S+shadow\.conf: $recipients same, 0 changed, 0 unknown, 0 messages not judged$/m,
    'status for people';

# A reload: one rule more changes what it names, and nothing else
$filter->file('shadow.conf', $MORE);
is +($filter->command('reload'))[0], 0, 'reload';
my $again = send_all($filter, $MESSAGES);
judged($filter, $recipients + $again);
my ($named) = $filter->sql("SELECT count(*) AS n FROM shadow WHERE shadow = 2 AND address = 'r6\@here.example'");
cmp_ok $named->{n}, '>', 10, 'some are named';
is_deeply [$filter->sql("SELECT count(*) AS n, sum(change = 'changed') AS changed, sum(change = 'unknown') AS unknown"
    . ' FROM shadow WHERE shadow = 2')], [{ n => $again, changed => $named->{n}, unknown => 0 }], 'one rule more: exactly those';
is_deeply [$filter->sql("SELECT DISTINCT code, dsn, text, rule_text, line FROM shadow WHERE change = 'changed'")],
    [{ code => 554, dsn => '5.7.1', text => '<r6@here.example>: Recipient address rejected: more',
       rule_text => 'r6@here.example=REJECT more', line => 6 }], 'by that rule';
my ($exit, $out, $err) = run_command(['sqlite3', '-readonly', '-json', $filter->log_file, ".read '$ENV{srcdir}/sql/shadow.sql'"]);
is "$exit$err", '0', 'the report runs in the sqlite3 shell';
my @report = map { JSON::PP->new->decode($_) } $out =~ /^(\[.*?\])$/msg;
is_deeply [map { "$_->{change} $_->{recipients}" } @{ $report[0] }],
    ['same ' . ($again - $named->{n}), "changed $named->{n}", 'unknown 0'], 'it counts the last content of the shadow';
my $changes = 0;
$changes += $_->{recipients} for @{ $report[1] };
is $changes, $named->{n}, 'then what changes';
like $report[1][0]{rule}, qr/\/shadow\.conf:6: r6\@here\.example=REJECT more$/, 'by which rule';
is scalar(grep { $_->{queue_id} =~ /^(?:4Q\d+|NOQUEUE)$/ && $_->{recipient} eq 'r6@here.example' } @{ $report[2] }), 10,
    'then whom to look at';
is $report[2][0]{was}, 'accept', 'first what was accepted';
($exit, $out, $err) = $filter->command('report', 'shadow', '--json');
is $exit, 0, 'tamis report shadow' or diag $err;
is_deeply [map { "$_->{change} $_->{recipients}" } @{ JSON::PP->new->decode($out)->{tables}[0] }],
    [map { "$_->{change} $_->{recipients}" } @{ $report[0] }], 'says the same';

# One that cannot be used
$filter->file('shadow.conf', "${RULES}data_restrictions = reject_nonsense\n");
($exit, $out, $err) = $filter->command('reload');
is $exit, 0, 'a bad shadow: the reload is done';
ok $filter->wait_stderr(qr/shadow: \S+ cannot be used, there is no shadow: see tamis check/), 'with a warning';
ok !status_of($filter)->{shadow}{judging}, 'and there is no shadow';
($exit, $out, $err) = $filter->command('check', '--no-dns');
is $exit, 0, 'check: usable';
like $err, qr/^\S+shadow\.conf:13: warning: shadow: .*reject_nonsense/m, 'check: what is wrong with the shadow';
($exit, $out, $err) = $filter->command('shadow', 'promote');
is $exit, 78, 'it is not promoted';
like $err, qr/reject_nonsense.*nothing was changed/s, 'and why';
my $conf = $filter->dir . '/milter.conf';
my $text = slurp($conf);
is_deeply [glob "$conf.*"], [], 'nothing was changed';

# Promotion, and back
chmod 0640, $conf;
chown 0, 12, $conf if $> == 0;
my @before = (stat $conf)[1, 2, 4, 5];
$filter->file('shadow.conf', $MORE);
($exit, $out, $err) = $filter->command('shadow', 'promote');
is $exit, 0, 'promoted' or diag "$out$err";
my ($kept) = glob "$conf.before-*";
like $out, qr/^\Q$conf: kept as $kept\E\n\Q$conf: holds the text of @{[$filter->dir]}\/shadow.conf now\E\nreloaded: generation \d+\nin force; /m,
    'it says what was done' or diag "$out$err";
is slurp($conf), $MORE, 'the configuration is the shadow';
is_deeply [(stat $kept)[1, 2, 4, 5]], \@before, 'what was kept is the file itself';
is_deeply [(stat $conf)[2, 4, 5]], [@before[1 .. 3]], 'owner and mode are as they were';
sub reply_of_r6 {
    my $mta = live_mta($filter);
    $mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
    my $reply = $mta->rcpt('<r6@here.example>', '{rcpt_addr}' => 'r6@here.example');
    $mta->quit;
    return $reply->{text} // $reply->{action};
}
is reply_of_r6(), '554 5.7.1 <r6@here.example>: Recipient address rejected: more', 'its rule answers now';
($exit, $out, $err) = $filter->command('rollback');
is $exit, 0, 'rolled back' or diag "$out$err";
is slurp($conf), $text, 'the configuration is what it was';
is_deeply [(stat $conf)[1, 2, 4, 5]], \@before, 'the very file';
is slurp((glob "$conf.rolled-back-*")[0]), $MORE, 'the promoted one is kept, too';
is reply_of_r6(), 'continue', 'its rule answers no more';
($exit, $out, $err) = $filter->command('rollback');
is $exit, 66, 'there is nothing more to take back to';

# Elsewhere relative names would mean other files
my $else = temp_dir();
spew("$else/$_", $FILES{$_}) for keys %FILES;
spew("$else/shadow.conf", $MORE);
($exit, $out, $err) = $filter->command('shadow', 'promote', '-o', "shadow_config=$else/shadow.conf");
is $exit, 78, 'a shadow in another directory';
like $err, qr{\Q$else/shadow.conf names $else/\E\w+, which would be another file in \Q$conf\E: .*nothing was changed}, 'says which name';
is slurp($conf), $text, 'nothing was changed';
spew("$else/shadow.conf", $MORE =~ s/(texthash|regexp):(\w+)/"$1:" . $filter->dir . "\/$2"/ger);
($exit, $out, $err) = $filter->command('shadow', 'promote', '-o', "shadow_config=$else/shadow.conf");
is $exit, 0, 'with paths in full it is promoted' or diag "$out$err";
is $filter->stop, 0, 'ends';
($exit, $out, $err) = $filter->command('rollback');
is $exit, 69, 'without a filter: the files change, and the status tells';
is slurp($conf), $text, 'back';

# A filter that refuses what the command took for good, because it is stricter
$filter = Tamis::Filter->new(conf => "${RULES}shadow_config = shadow.conf\nreload_on_change = no\n", set => { strict => 'yes' },
    files => { %FILES, 'shadow.conf' => "${RULES}data_restrictions = reject_unlisted_sender\n" })->start;
$conf = $filter->dir . '/milter.conf';
($text, @before) = (slurp($conf), (stat $conf)[1, 2, 4, 5]);
my @arguments = $filter->arguments;
my ($strict) = grep { $arguments[$_] eq 'strict=yes' } 0 .. $#arguments;
splice @arguments, $strict - 1, 2;
($exit, $out, $err) = run_command([$ENV{TAMIS}, 'shadow', 'promote', @arguments]);
is $exit, 78, 'a filter that refuses it';
like $err, qr/reject_unlisted_sender.*refused by the filter: \Q$conf is as it was\E$/s, 'is heard' or diag $out;
is slurp($conf), $text, 'and all is as it was';
is_deeply [(stat $conf)[1, 2, 4, 5], glob "$conf.*"], \@before, 'the file, its owner and mode, and nothing beside it';
is $filter->stop, 0, 'ends';

# A question that only the shadow asks is not asked; headers that only it reads are seen
my $dir = temp_dir();
spew("$dir/script", "mail.example * silence\n7.2.0.192.zen.example * silence\n");
my $pid = open2(my $from, my $to, $^X, "-I$ENV{srcdir}/t/lib", '-MTamis::Dns', '-e', 'Tamis::Dns::main',
    "$dir/script", "$dir/asked");
chomp(my $port = <$from>);
(my $asking = $RULES) =~ s/^sender_restrictions = /sender_restrictions = reject_rbl_client zen.example, /m;
$filter = filter_with($asking =~ s/regexp:heads/regexp:other/r, rules => $RULES =~ s/^header_checks.*\n//mr,
    more => "dns_servers = 127.0.0.1\@$port\nstage_time_limit = 250s\n");
my $mta = live_mta($filter);
for my $to (qw(r1 r7)) {
    $mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
    my $reply = $mta->rcpt("<$to\@here.example>", '{rcpt_addr}' => "$to\@here.example");
    is $reply->{text} // $reply->{action}, $to eq 'r7' ? 'continue' : '554 5.7.1 <r1@here.example>: Recipient address rejected: not me',
        "a silent name server: $to is answered";
    $mta->abort;
    $mta->flush;
}
is judged($filter, 2), '0 0 2 0', 'both are unknown to the shadow';
is_deeply [$filter->sql('SELECT DISTINCT change, missing FROM shadow')],
    [{ change => 'unknown', missing => 'rbl zen.example 192.0.2.7' }], 'for the question that it lacks';
is slurp("$dir/asked"), '', 'which nobody was asked';
$filter->file('shadow.conf', $RULES =~ s/regexp:heads/regexp:other/r);
is +($filter->command('reload'))[0], 0, 'a shadow with other rules for headers';
$mta->quit;
$mta = live_mta($filter);
for my $name ('X-Odd', 'X-Even') {
    $mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
    $mta->rcpt('<r7@here.example>', '{rcpt_addr}' => 'r7@here.example');
    $mta->data(i => $name);
    is $mta->content("Subject: x\n$name: 1\n\nx\n")->{action}, 'continue', "$name: taken";
}
$mta->quit;
is judged($filter, 4), '1 1 2 0', 'headers that only the shadow reads are judged';
is_deeply [$filter->sql("SELECT d.queue_id, s.action, s.text FROM shadow AS s JOIN decision AS d ON d.id = s.id"
    . " WHERE change = 'changed'")], [{ queue_id => 'X-Odd', action => 'reject', text => 'odd' }], 'by their text';
close $to;
waitpid $pid, 0;
is $filter->stop, 0, 'ends';

# Answers of the DNS are those that the policy in force got
my $asks = "postfix_config_directory =\nauthentication_results =\nmynetworks =\nmydestination = here.example\n"
    . "client_restrictions = reject_rbl_client zen.example\nsender_restrictions = reject_unknown_sender_domain\n"
    . "header_checks = regexp:heads\n";
spew("$dir/heads", $FILES{heads});
spew("$dir/zone", join('', map { ($_ % 9 ? "s$_.example. IN MX 10 mail.s$_.example.\n" : ''),
    "mail.s$_.example. IN A 192.0.2.$_\n", $_ % 5 ? '' : "$_.2.0.192.zen.example. IN A 127.0.0.2\n" } 0 .. 199)
    . "\$SERVFAIL s33.example MX\n");
spew("$dir/shadow.conf", $asks =~ s/^client_restrictions.*\n//mr);
spew("$dir/same.conf", $asks);
for my $shadow ('same.conf', 'shadow.conf') {
    ($exit, $out, $err) = run_command(["$ENV{builddir}/t/lib/play_log", spew("$dir/milter.conf",
        "log_file = log.db\nshadow_config = $shadow\n$asks"), "$dir/$shadow.db", 500, "$dir/zone"]);
    is "$exit$err", '0', "$shadow: played";
    my ($status, $rows) = run_command(['sqlite3', '-readonly', "$dir/$shadow.db", 'SELECT (SELECT count(*) FROM recipient) ='
        . " (SELECT count(*) FROM shadow), total(change = 'changed') > 0, total(change = 'unknown') > 50,"
        . " total(change = 'changed' AND was_text NOT LIKE '%blocked using zen.example%') FROM shadow"]);
    is $rows, $shadow eq 'same.conf' ? "1|0|0|0.0\n" : "1|1|1|0.0\n", "$shadow: judged by these answers";
}

done_testing;
