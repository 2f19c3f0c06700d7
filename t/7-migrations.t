#!/usr/bin/perl
# 7-migrations - set-ups of many kinds, before and after tamis took over their rules: nobody outside sees a change
# SPDX-License-Identifier: BSD-2-Clause
#
# A directory of t/migrations is one administrator's /etc/postfix. In its main.cf a line "# ---- moves to milter.conf"
# divides what stays from what moves: after the move milter.conf is that block, letter by letter (behind the lines of
# `milter.conf`, where there is one), and main.cf is the rest, with the three words that keep a relay closed and what
# `tamis postfix` says. The tables are the same files. `scenes` says who sends what: its first values are an ordinary
# mail, every other value is tried with them, then they are mixed. `says` is what `tamis check` warns of, `differs`
# names the mails in `mails` that show a limit of milters, and `submission` has the parameters of that service.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Guard qw(run_command slurp spew);
use Tamis::Logins qw(login_server);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

# LONG=N: N times as many mixes; SEED: others; ONE: only the set-ups whose name has it.
my $long = $ENV{LONG} || 1;
alarm 120 + 200 * $long;
if (my $why = postfix_missing()) {
    plan skip_all => $why;
}
my $MIXES = $ENV{MIXES} // 10 * $long;
my $guard = 'permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination';

# --- a set-up

# Parameters of a text in main.cf's grammar, values with their line ends.
sub parameters {
    my ($text) = @_;
    $text =~ s/^\s*(?:#.*)?\n//mg;
    return map { /^(\w+)\s*=\s*(.*)\z/s or die "no parameter: $_"; ($1 => $2) } split /\n(?=\S)/, $text =~ s/\n+\z//r;
}

# What is said of it by the files of its directory.
sub setup {
    my ($dir) = @_;
    my %file = map { m{([^/]+)\z}; ($1 => slurp($_)) } glob "$dir/*";
    my %setup = (name => $dir =~ s{.*/}{}r, file => \%file);
    my ($stays, $moves) = split /^# ---- moves to milter\.conf.*\n/m, delete $file{'main.cf'};
    @setup{qw(stays moves)} = ($stays, $moves);
    $setup{conf} = delete($file{'milter.conf'}) // '';
    $setup{scenes} = delete $file{scenes};
    $setup{differs} = delete($file{differs}) // '';
    $setup{says} = delete($file{says}) // '';
    $setup{$_} = delete($file{$_}) // '' for qw(submission submission.after master);
    $setup{mails} = { ordinary => "From: a\@b.example\nTo: rcpt\@y.example\nSubject: good day\n\ngood day\n" };
    for my $mail (split /^=== /m, delete($file{mails}) // '') {
        $setup{mails}{$1} = $mail if $mail =~ s/\A(\S+)\n//;
    }
    return \%setup;
}

# Each line of `scenes` is a word and a value; a value of `to` may be several recipients.
sub scenes {
    my ($setup) = @_;
    my %values = (mail => [sort { ($b eq 'ordinary') <=> ($a eq 'ordinary') || $a cmp $b } keys %{ $setup->{mails} }]);
    for (split /\n/, $setup->{scenes}) {
        push @{ $values{$1} }, $2 if /^(\w+) (.*)/;
    }
    $values{login} = ['-', @{ $values{login} || [] }];
    $values{port} //= ['smtp'];
    my @scenes = {};
    for my $word (sort keys %values) {
        push @scenes, map { { $word => $_ } } 1 .. $#{ $values{$word} };
    }
    srand($ENV{SEED} // 7);
    push @scenes, map { my %mix; $mix{$_} = int rand @{ $values{$_} } for sort keys %values; \%mix } 1 .. $MIXES;
    return map { my $scene = $_; +{ map { $_ => $values{$_}[$scene->{$_} // 0] } keys %values } } @scenes;
}

# --- the two Postfixes

# Where a content filter gives mail back: what the documentation of each filter says.
my %back = (content_filter => '', receive_override_options => 'no_header_body_checks,no_unknown_recipient_checks',
    (map { ("smtpd_${_}_restrictions" => '') } qw(client helo sender relay data end_of_data)),
    smtpd_recipient_restrictions => 'permit_mynetworks,reject', mynetworks => '127.0.0.0/8');

# A Postfix with the set-up's files; `params` is text of main.cf.
sub postfix {
    my ($setup, $params, $submission) = @_;
    my $postfix = Tamis::Postfix->new(ipv6 => 1, listeners => { back => { %back } });
    my $etc = $postfix->config_directory;
    my $place = sub { $_[0] =~ s{/etc/postfix}{$etc}gr =~ s/\@(\w+)_PORT\@/$postfix->port(lc $1)/ger };

    login_server($postfix->dir . '/login');
    for my $name (keys %{ $setup->{file} }) {
        my $path = $postfix->file("etc/$name", $place->($setup->{file}{$name}));
    }
    my %params = parameters($place->($params));
    delete $postfix->{opt}{listeners}{back} if !grep { /BACK_PORT/ } $params, values %{ $setup->{file} };
    $postfix->{opt}{params} = {
        smtpd_sasl_auth_enable => 'yes', smtpd_sasl_type => 'dovecot', smtpd_sasl_path => $postfix->dir . '/login',
        smtpd_reject_unlisted_recipient => 'no', smtpd_client_connection_rate_limit => 0, smtpd_relay_restrictions => '', %params };
    $postfix->{opt}{submission} = { parameters($place->($submission)) };
    $postfix->{opt}{master} = $place->($setup->{master});
    $postfix->write_config;
    for my $table ("$params$setup->{moves}" =~ m{\bhash:/etc/postfix/([\w.-]+)}g) {
        my (undef, undef, $trouble) = $postfix->command('postmap', ["hash:$etc/$table"]);
        note "postmap $table: $trouble" if length $trouble;
    }
    return ($postfix, $place);
}

# Pastes what `tamis postfix` printed: lines of main.cf, entries of master.cf in place of theirs.
sub follow {
    my ($postfix, $text) = @_;
    my $etc = $postfix->config_directory;
    my ($name, %pasted) = ('', 'main.cf' => '', 'master.cf' => '');

    for my $line (split /\n/, $text) {
        if ($line =~ m{^# ---- .*/(main\.cf|master\.cf) ----$}) { $name = $1 }
        elsif ($line !~ /^#/) { $pasted{$name} .= "$line\n" }
    }
    %{ $postfix->{opt}{params} } = (%{ $postfix->{opt}{params} }, parameters($pasted{'main.cf'}));
    $postfix->write_config;
    my $master = slurp("$etc/master.cf");
    for my $entry ($pasted{'master.cf'} =~ /^(\S+\s+\S+)\s/mg) {
        my $words = join '\s+', map { quotemeta } split ' ', $entry;
        $master =~ s/^$words\s.*\n(?:\s.*\n)*//m or die "$entry is not there";
    }
    spew("$etc/master.cf", $master . $pasted{'master.cf'});
}

sub before { my ($setup) = @_; return (postfix($setup, $setup->{stays} . $setup->{moves}, $setup->{submission}))[0] }

# What moved is no more in main.cf; the relay stays closed.
sub after {
    my ($setup) = @_;
    my ($postfix, $place) = postfix($setup, $setup->{stays}, $setup->{'submission.after'} || $setup->{submission});
    my $params = $postfix->{opt}{params};
    my $filter = Tamis::Filter->new(conf => '', set => { postfix_config_directory => $postfix->config_directory });

    $params->{smtpd_relay_restrictions} = $guard if $params->{smtpd_relay_restrictions} eq '';
    $filter->file('milter.conf', $place->("mode = enforce\nlog_message_id = yes\n$setup->{conf}$setup->{moves}"));
    $postfix->write_config;
    return ($postfix, $filter);
}

# --- a scene, and what came of it

sub play {
    my ($postfix, $setup, $number, $scene) = @_;
    my ($name, $addr, $reverse) = split ' ', $scene->{client};
    $name = undef if $name eq 'unknown';
    my $said = Tamis::Smtp->play(port => $postfix->port($scene->{port}), mail => $scene->{from}, ehlo => $scene->{helo},
        rcpt => [split ' ', $scene->{to}], message => "X-Scene: $number\nMessage-Id: <scene$number\@b.example>\n"
            . "Date: Mon, 1 Jan 2024 00:00:00 +0000\n" . $setup->{mails}{ $scene->{mail} },
        client => { name => $name, addr => $addr, reverse_name => $reverse // $name, login => $scene->{login} eq '-' ? undef : $scene->{login} });
    return join '', map { "$_->[0]: " . ($_->[1] // '(closed)') =~ s/queued as \S+/queued/r . "\n" }
        grep { $_->[0] =~ /^(?:MAIL|RCPT|DATA|\.)/ || ($_->[1] // '') !~ /^2/ } @{ $said->{dialogue} };
}

# Its fields differ by nature; how many there are says how often the mail passed.
sub without_own {
    my ($text) = @_;
    my $field = qr/Received: by mx\.test\.example .*\n(?:[ \t].*\n)*|Received: from .*\n[ \t]+(?:\(.*\n[ \t]+)?by mx\.test\.example .*\n(?:[ \t].*\n)*/;
    return $text =~ s/\r\n/\n/gr =~ s/^(?:$field)/Received: own\n/mgr;
}

# Of a bounce what it says; the rest has times, names and numbers in it.
sub without_numbers {
    my ($text) = @_;
    return $text if $text !~ /^From: Mail Delivery System/m;
    my ($diagnostic) = $text =~ /^(Diagnostic-Code: .*\n(?:[ \t].*\n)*)/m;
    return 'bounced: ' . ($diagnostic // $text) =~ s/\n\s+/ /gr;
}

# By the number of the scene: a text that says what was held, and what arrived, to whom.
sub arrived {
    my ($postfix) = @_;
    my %came;
    $postfix->drained(60) or diag 'mail is left: ', explain [$postfix->queue];
    for my $entry (grep { $_->{queue_name} eq 'hold' } $postfix->queue) {
        $came{$1} .= "held\n" if $postfix->queued_message($entry->{queue_id}) =~ /^X-Scene: (\S+)/m;
    }
    $postfix->command('postsuper', ['-H', 'ALL']);
    $postfix->command('postqueue', ['-f']);
    $postfix->drained(60) or diag 'mail is left: ', explain [$postfix->queue];
    for my $mail ($postfix->mails(0)) {
        my ($number) = $mail->{message} =~ /^X-Scene: (\S+?)\r?$/m or next;
        $came{$number} .= join(' ', 'to', sort @{ $mail->{recipients} }) . "\n" . without_numbers(without_own($mail->{message}));
    }
    return \%came;
}

# What differs on purpose. Postfix decides first: the relay stays its own, whatever a table says of the sender. And
# tamis adds a BCC recipient and a field once a mail, Postfix once a recipient.
sub on_purpose {
    my ($before, $after) = @_;
    for ($before, $after) {
        s/^(to )(.*)$/my %seen; $1 . join ' ', grep { !$seen{$_}++ } split ' ', $2/mge;
        s/^(X-\S+: .*\n)\1+/$1/mg;
    }
    return 1 if $before eq $after;
    return 1 if $after =~ /Relay access denied/ && $after !~ /^to /m && $before !~ /^(?:to|held)/m;
    return 0;
}

sub printable { return $_[0] =~ s/([^\n -~])/sprintf '\\x%02x', ord $1/ger }

# The difference of two texts, without the lines that both begin with.
sub difference {
    my ($before, $after) = @_;
    my @before = split /\n/, $before;
    my @after = split /\n/, $after;
    (shift @before, shift @after) while @before && @after && $before[0] eq $after[0];
    return printable(join '', (map { "  - $_\n" } @before[0 .. ($#before < 12 ? $#before : 12)]), map { "  + $_\n" } @after[0 .. ($#after < 12 ? $#after : 12)]);
}

# --- one set-up

sub compare {
    my ($setup) = @_;
    my @scenes = scenes($setup);
    my $before = before($setup)->start;
    my ($after, $filter) = after($setup);

    my ($status, $out, $err) = $filter->command('check', '--no-dns');
    is($status, 0, 'tamis check') or return diag $out, $err;
    is(join('', sort map { "$_\n" } grep { /(?:warning|error): / } map { s/^\S*\///r =~ s{ \S*/etc/}{ /etc/postfix/}r } split /\n/, $out . $err), $setup->{says}, 'and it warns of what it must, no more')
        or diag $out, $err;
    {
        local $ENV{PATH} = $after->bin_directory . ":$ENV{PATH}";
        my @args = ($filter->arguments);
        my ($status, $lines, $findings) = run_command([Tamis::Filter::tamis(), 'postfix', @args]);
        is($status, 0, 'tamis postfix') or return diag $findings;
        follow($after, $lines);
        ($status, $lines, $findings) = run_command([Tamis::Filter::tamis(), 'postfix', @args]);
        like($lines, qr/^# main\.cf and master\.cf have what tamis/, 'after its advice nothing is left to do') or diag $lines;
        is(join('', map { "$_\n" } grep { /^warning/ } split /\n/, $findings), '', 'and nothing is wrong');
    }
    $filter->start;
    $after->start;

    my ($differ, @texts, %known) = (0);
    for my $side ($before, $after) {
        my @said = map { play($side, $setup, $_, $scenes[$_]) } 0 .. $#scenes;
        $side->sendmail(['-f', "local\@test.example", 'a@test.example', 'b@y.example'], "X-Scene: local-$_\nMessage-Id: <scene-local-$_\@b.example>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
            . $setup->{mails}{$_}) for sort keys %{ $setup->{mails} };
        my %sendmail = map { ("local-$_" => 1) } keys %{ $setup->{mails} };
        wait_log_ids($side);
        my $came = arrived($side);
        push @texts, { (map { $_ => $said[$_] . ($came->{$_} // "nothing arrived\n") } 0 .. $#said), map { $_ => $came->{$_} // "nothing arrived\n" } keys %sendmail };
    }
    my (@differences, %limited);
    for my $number (sort keys %{ $texts[0] }) {
        next if on_purpose($texts[0]{$number}, $texts[1]{$number});
        my $scene = $number =~ /^\d+$/ ? $scenes[$number] : { mail => $number };
        my ($mail) = $scene->{mail} =~ /^(?:local-)?(.*)/;
        if ($setup->{differs} =~ /^\Q$mail\E: /m) {
            $limited{$mail}++;
            next;
        }
        my $text = difference($texts[0]{$number}, $texts[1]{$number});
        push @differences, $number;
        diag "$setup->{name} $number: ", join(' | ', map { "$_ " . printable($scene->{$_}) } sort keys %$scene), "\n$text" if $differ++ < 8;
    }
    my $count = keys %{ $texts[0] };
    is("@differences", '', "$count mails: replies, recipients, bytes, the hold queue");
    is(join(' ', sort keys %limited), join(' ', sort $setup->{differs} =~ /^(\S+): /mg), 'what a milter cannot do is different, and known')
        if $setup->{differs} ne '';
    if ($ENV{STATS}) { my %n; $n{ ($texts[0]{$_} =~ /: ([45]\d\d \S+)/)[0] // ($texts[0]{$_} =~ /^(held|to |nothing)/m)[0] }++ for keys %{ $texts[0] }; diag join ' ', map { "$_=$n{$_}" } sort keys %n; }
    $filter->wait_sql(1, "SELECT id FROM decision WHERE message_id LIKE '%scene-local-ordinary%'");
    is(join(' ', map { $_->{message_id} } $filter->sql('SELECT message_id FROM decision WHERE message_id IS NOT NULL GROUP BY message_id HAVING count(*) > 1')), '', 'no mail has two rows in the log');
    is($filter->stop, 0, 'tamis ends well');
    $_->stop for $before, $after;
}

# What sendmail(1) gave has been picked up.
sub wait_log_ids {
    my ($postfix) = @_;
    Tamis::Guard::wait_until(20, sub { !glob $postfix->queue_directory . '/maildrop/*' });
}

my $only = $ENV{ONE} // '';
for my $dir (grep { -d && /\Q$only\E/ } glob "$FindBin::Bin/migrations/*") {
    my $setup = setup($dir);
    subtest $setup->{name} => sub { compare($setup) };
}
done_testing;
