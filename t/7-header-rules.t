#!/usr/bin/perl
# 7-header-rules - random rules of all four lists and random mails: tamis behind Postfix beside Postfix's own cleanup
# SPDX-License-Identifier: BSD-2-Clause
#
# Left out, because a milter cannot do it: FILTER, edits of headers of parts, Postfix's own Received field,
# fields that Postfix drops or rewrites before a milter sees them.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Guard qw(run_command slurp spew temp_dir);
use Tamis::Postfix qw(postfix_missing);
use Tamis::RandomMail qw(chance one_of random_mail some @NAMES @TOP_NAMES);
use Tamis::Smtp;
use Test::More;

# LONG=N: N times as many sets of rules.
my $times = $ENV{LONG} || 1;
alarm 300 * $times;
if (my $why = postfix_missing()) {
    plan skip_all => $why;
}
my ($SETS, $MAILS) = (6 * $times, 50);
my $seed = $ENV{SEED} // 2;

# --- rules

sub quiet {
    return one_of('DUNNO', 'OK', 'OK text', 'WARN w $1', 'INFO i', 'warn', 'Dunno x', 'FROBNICATE', '550 no', 'INFO $1$1');
}

sub verdict {
    my ($strong) = @_;
    return one_of('REJECT', 'REJECT text $1', 'REJECT 5.7.9 x', 'REJECT 4.7.9  y', 'reject 5.1.1 $1') if chance($strong / 2);
    return one_of('DISCARD', 'DISCARD x', 'REDIRECT boss@else.example', 'REDIRECT nobody', 'PASS', 'PASS x') if chance($strong);
    return one_of('HOLD', 'HOLD h $1', 'BCC copy@else.example', 'BCC two@else.example', 'BCC nobody');
}

sub edit {
    my ($name) = @_;
    return one_of("PREPEND X-New: a", 'PREPEND X-Copy: $1', 'PREPEND X-Tight:$1', 'PREPEND nothing', 'PREPEND X-Void:',
        "PREPEND $name: again", 'PREPEND', 'prepend X-Twice: $1 $1', "PREPEND X-Long: " . 'p' x 1200) if chance(0.4);
    return one_of("REPLACE $name: new", "REPLACE $name: [\$1]", "REPLACE $name:\$1", 'REPLACE X-Renamed: $1', 'REPLACE X-One: was $1',
        "REPLACE \L$name\E: low", "REPLACE $name:", 'REPLACE nothing', 'REPLACE X-Two:  blanks', "REPLACE $name: \xc3\xa9\xe9",
        'REPLACE List-Id: 9', "REPLACE $name: " . 'r' x 3000) if chance(0.5);
    return one_of('IGNORE', 'IGNORE x', 'STRIP', 'STRIP s', 'ignore');
}

sub pattern {
    my ($name) = @_;
    my $value = one_of('', '', 'a', 'b', '.*b', '\s*a', '[^a]*$', '.*\n', '(?=.*c)', '.{0,5}$', '\s*$', 'x*', '.*q.*q');
    return '/' . one_of("^$name:", "^$name:", "^$name:", "^\L$name\E\\s*:", "^($name|X-Nothing):", "^$name") . $value
        . one_of('(.*)/', '(.*)/', '(.?)/', '()/', '\s*(\S*)/');
}

sub rule {
    my ($names, $action) = @_;
    my $name = one_of(@$names);
    return one_of("# comment\n", "\n", "if /a/\n" . rule($names, $action) . "endif\n", "if !/^$name/\n" . rule($names, $action)
        . "endif\n", "/(broken/ REJECT\n", "garbage\n") if chance(0.12);
    return pattern($name) . one_of('', '', '', 'i', 'm', 's') . "  " . $action->($name) . "\n";
}

sub body_rule {
    my $pattern = one_of('^a(.*)', '(b+)$', '^$()', '^--(.*)', 'q(.)q', '^\s+(.*)', '(xyz)', '^.{70,}(.)', '[\x80-\xff](.*)', 'late(.*)');
    my $action = chance(0.75) ? quiet() : chance(0.8) ? verdict(0.4) : one_of('FROBNICATE x', '500 x');
    return "/$pattern/ $action\n";
}

# Nothing of Postfix's own Received, which a milter does not see.
my $own = '/^Received: .*by mx\.test\.example \(Postfix\)/s DUNNO' . "\n";

sub rules_of_set {
    my ($set) = @_;
    srand($seed + $set);   # others draw, too, and not always as often
    my $strong = 0.35 + 0.1 * ($set % 3);
    my $tame = sub { chance(0.8) ? quiet() : verdict($strong) };
    my $wild = sub { chance(0.6) ? edit($_[0]) : chance(0.5) ? quiet() : verdict($strong) };
    return (
        header_checks => $own . join('', some(6, 16, sub { rule(\@NAMES, $wild) })),
        mime_header_checks => join('', some(1, 4, sub { rule(\@TOP_NAMES, $wild) }),
            some(1, 5, sub { rule([qw(Content-Type Content-Disposition Content-Transfer-Encoding X-One Subject)], $tame) })),
        nested_header_checks => join('', some(1, 6, sub { rule(\@NAMES, $tame) })),
        body_checks => join('', some(1, 5, \&body_rule)),
    );
}

# --- the two sides

my $postfix = Tamis::Postfix->new(listeners => { plain => {}, map { ("native$_" => {}, "milter$_" => {}) } 1 .. $SETS });
plan skip_all => 'Postfix without pcre' if !$postfix->has_pcre;
my (@filters, %listeners, $master, @rules);
for my $set (1 .. $SETS) {
    my %rules = rules_of_set($set);
    my $filter = Tamis::Filter->new(conf => '');
    my %lists = map { $_ => 'pcre:' . $postfix->file("$_.$set", $rules{$_}) } keys %rules;

    # The limit of a header is Postfix's for both, which lowers its preset as soon as there is a milter.
    # Every other set is for outgoing mail alone, which it is by its login.
    my %mine = $set % 2 ? %lists : map { ("outgoing_$_" => $lists{$_}, "incoming_$_" => 'static:{REJECT incoming}') } keys %lists;
    $filter->set(%mine, part_prepend => 'off', mynetworks => $set % 2 ? '127.0.0.0/8' : '10.0.0.0/8', log_message_id => 'no');
    $filter->start;
    push @filters, $filter;
    push @rules, \%rules;
    $listeners{"native$set"} = { smtpd_milters => '', cleanup_service_name => "cleanup$set" };
    $listeners{"milter$set"} = { smtpd_milters => $filter->milter };
    $master .= "cleanup$set unix n - n - 0 cleanup\n" . join '', map { "  -o $_=$lists{$_}\n" } sort keys %lists;
}
$listeners{plain} = { smtpd_milters => '' };
$postfix->{opt}{listeners} = \%listeners;
$postfix->{opt}{master} = $master;
$postfix->{opt}{params} = { strict_smtputf8 => 'no', header_size_limit => 50000,
    lmtp_line_length_limit => 0 };
$postfix->write_config;
ok($postfix->start, 'Postfix starts');

# Many mails in one session; the texts of the replies at the end of each.
sub send_all {
    my ($listener, @mails) = @_;
    my $port = $postfix->port($listener =~ s/^plain\K.*//r);
    my ($smtp, @said);

    for my $i (0 .. $#mails) {
        if (!$smtp) {
            $smtp = Tamis::Smtp->new($port);
            $smtp->command('EHLO client.test.example');
            if ($listener =~ /[02468]\z/) {
                $smtp->xclient(name => undef, addr => '192.0.2.1', login => 'joe');
                $smtp->command('EHLO client.test.example');
            }
        }
        my $ready = '';
        for my $command ("MAIL FROM:<s-$i-$listener\@fine.example> BODY=8BITMIME", 'RCPT TO:<rcpt@y.example>', 'RCPT TO:<two@y.example>', 'DATA') {
            $ready = $smtp->command($command) // '';
        }
        push @said, $ready =~ /^354/ ? ($smtp->message($mails[$i]) // '(closed)') =~ s/queued as \S+/queued as ID/r : "no DATA: $ready";
        undef $smtp if $ready !~ /^354/ || $said[-1] eq '(closed)';
    }
    $smtp->quit if $smtp;
    return @said;
}

my (@mails, %said, $failed);
for my $set (1 .. $SETS) {
    srand($seed - $set);
    my @texts = map { "From: a\@b.example\nTo: rcpt\@y.example\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-Id: <$_\@b.example>\n"
        . random_mail() } 1 .. $MAILS;
    $mails[$set] = \@texts;
    $said{$_} = [send_all($_, @texts)] for "native$set", "milter$set";
    send_all("plain$set", @texts[0 .. 9]);
}
ok($postfix->drained(60), 'all is delivered');

# What is held, by sender; released, it is delivered like the rest.
my %came;
for my $entry (grep { $_->{queue_name} eq 'hold' } $postfix->queue) {
    my ($i, $listener) = $entry->{sender} =~ /^s-(\d+)-(\w+)@/ or next;
    push @{ $came{$listener}[$i] }, 'held';
}
$postfix->command('postsuper', ['-H', 'ALL']);
$postfix->command('postqueue', ['-f']);
ok($postfix->drained(60), 'what was held is delivered, too') or diag explain [$postfix->queue];

# The MTA's own Received field differs by nature, and stands twice in what was held.
sub without_own {
    my ($text) = @_;
    my $field = qr/Received: by mx\.test\.example .*\n(?:[ \t].*\n)*|Received: from .*\n[ \t]+by mx\.test\.example .*\n(?:[ \t].*\n)*/;
    return $text =~ s/\A(?:$field)+/Received: own\n/r;
}
for my $mail ($postfix->mails(1)) {
    my ($i, $listener) = $mail->{sender} =~ /^s-(\d+)-(\w+)@/ or next;
    push @{ $came{$listener}[$i] }, join(' ', 'to', sort @{ $mail->{recipients} }) . "\n" . without_own($mail->{message} =~ s/\r\n/\n/gr);
}

# What was logged, by mail: but for proto=, and the rule.
my %logged;
my $actions = qr/(?:reject|warning|info|hold|discard|redirect|bcc|pass|prepend|replace|strip): (?:header|body) /;
for my $line (split(/\n/, $postfix->log), map { split /\n/, $_->stderr } @filters) {
    my ($what) = $line =~ /(?:cleanup\S*|^tamis): \w+: ($actions.*)/ or next;
    my ($i, $listener) = $what =~ /from=<s-(\d+)-(\w+)@/ or next;
    push @{ $logged{$listener}[$i] }, substr $what =~ s/ proto=ESMTP//r =~ s/ rule=\S+//r =~ s/-\w+(?=\@fine)//r =~ s/ login=<joe>//r
        =~ s/[\x80-\xff?]+/?/gr, 0, 600;   # of a byte that begins no character Postfix makes one question mark less, now and then
}

# What is different, in lines that can be read.
sub cut {
    my ($text, $other) = @_;
    my $same = length +(("$text\n" ^ $other) =~ /^(\0*)/)[0];
    my $start = $same > 60 ? $same - 60 : 0;
    return substr($text, $start, 3000) =~ s/([^\n -~])/sprintf '\\x%02x', ord $1/ger =~ s/(.{200}).*/$1.../gr . "\n";
}

my %seen;
for my $set (1 .. $SETS) {
    my @bad;
    for my $i (0 .. $MAILS - 1) {
        my ($native, $ours) = map { my $l = "$_$set"; my @log = sort @{ $logged{$l}[$i] || [] };
            { reply => $said{$l}[$i], mail => join("\n\n", sort @{ $came{$l}[$i] || [] }), log => join "\n", @log } } qw(native milter);
        $seen{$_}++ for $native->{reply} =~ /^(\d+)/, $native->{mail} =~ /^(held|to)/, ($native->{log} =~ /^([a-z]+): /mg);
        for my $what (qw(reply mail log)) {
            next if $native->{$what} eq $ours->{$what};
            push @bad, "$i $what";
            next if $failed++ > 4;
            diag "set $set, mail $i, $what\n--- Postfix\n", cut($native->{$what}, $ours->{$what}), "--- tamis\n",
                cut($ours->{$what}, $native->{$what}), "--- mail\n", cut($mails[$set][$i], '');
            diag map { "$_:\n$rules[$set - 1]{$_}" } sort keys %{ $rules[$set - 1] } if $ENV{SEED};
        }
    }
    is("@bad", '', "rules $set: $MAILS mails, replies, bytes and log are Postfix's");
}
diag join ' ', map { "$_=$seen{$_}" } sort keys %seen if $ENV{SEED};
$ENV{SEED} or cmp_ok($seen{$_} // 0, '>', 1, "$_ was among them") for qw(250 550 451 held to warning info reject discard redirect bcc pass prepend replace strip);

# What `tamis test` says of a mail as a milter sees it, applied by patch(1), is what was delivered.
SKIP: {
    my ($dir, $applied, @bad) = (temp_dir(), 0);
    skip 'no patch(1)', 2 if (run_command(['patch', '--version']))[0] != 0;
    for my $set (1 .. $SETS) {
        for my $i (0 .. 9) {
            my ($ours) = grep { /^to/ } @{ $came{"milter$set"}[$i] || [] } or next;
            my ($plain) = @{ $came{"plain$set"}[$i] };
            my $path = spew("$dir/mail", $plain =~ s/\Ato.*\nReceived: own\n//r);
            my (undef, $said) = $filters[$set - 1]->command('test', '-v', $path);

            $said =~ /^(--- .*^\@\@ .*)/ms or next;
            spew("$dir/diff", $1);
            # It is one of the header, where a hunk may end.
            my ($want, $header) = map { /\A(.*?\n)(?=\n|\z)/s ? $1 : '' } $ours =~ s/\Ato.*\nReceived: own\n//r, slurp($path);
            my (undef, undef, $trouble) = run_command(['patch', '-s', '-o', "$dir/patched", spew("$dir/header", $header), "$dir/diff"]);
            my $patched = slurp("$dir/patched");
            $applied++;
            next if $patched eq $want;
            push @bad, "$set/$i";
            diag "set $set, mail $i: $trouble\n", cut($patched, $want), "--- delivered\n", cut($want, $patched) if @bad < 3;
        }
    }
    is("@bad", '', "$applied diffs of tamis test, applied, are what was delivered");
    cmp_ok($applied, '>', 5, 'there were some');
}

# sendmail(1), with what was taken as it came: what is put off stays in the maildrop, and what is held is held.
my @taken = grep { $said{native1}[$_] =~ /^250/ && ($came{native1}[$_][0] // '') ne 'held' } 0 .. $MAILS - 1;
my %picked;
for my $way (['native', smtpd_milters => '', non_smtpd_milters => '', map { $_ => 'pcre:' . $postfix->file("$_.1", $rules[0]{$_}) } keys %{ $rules[0] }],
    ['milter', non_smtpd_milters => $filters[0]->milter, map { $_ => '' } keys %{ $rules[0] }]) {
    my ($name, %params) = @$way;
    $postfix->reload(%params);
    $postfix->sendmail(['-i', '-f', "p-$_-$name\@fine.example", 'rcpt@y.example', 'two@y.example'], $mails[1][$_]) for @taken;
    ok($postfix->drained(60), "sendmail(1), $name: all is delivered") or diag explain [$postfix->queue];
}
for my $mail ($postfix->mails(1)) {
    my ($i, $name) = $mail->{sender} =~ /^p-(\d+)-(\w+)@/ or next;
    my $text = $mail->{message} =~ s/\r\n/\n/gr =~ s/\AReceived: by mx\.test\.example .*\n(?:[ \t].*\n)*/Received: own\n/r;
    push @{ $picked{$name}[$i] }, join(' ', 'to', sort @{ $mail->{recipients} }) . "\n$text";
}
my @differ = grep { my $i = $_; my ($native, $ours) = map { join "\n", sort @{ $picked{$_}[$i] || [] } } qw(native milter);
    diag "sendmail(1), mail $i\n--- Postfix\n", cut($native, $ours), "--- tamis\n", cut($ours, $native) if $native ne $ours; $native ne $ours } @taken;
is("@differ", '', scalar(@taken) . ' mails through sendmail(1): bytes are Postfix\'s');
cmp_ok(scalar(grep { defined } @{ $picked{native} }), '>', 5, 'most were delivered');
is($_->stop, 0, 'tamis ends well') for @filters;
done_testing;
